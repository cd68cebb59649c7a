// The file that a trainer's `profile` writes, read in the browser.

/** What the text says; throws what is wrong with it. */
function readProfile(text) {
  const lines = text.split(/\r?\n/);
  const first = lines[0].split("\t");
  if (first[0] !== "kiln-profile")
    throw new Error("This is no profile: its first line is not “kiln-profile”, tab, “1”.");
  if (first[1] !== "1") throw new Error(`Version ${first[1]} of the format is not known here.`);
  const found = { network: "", isa: "", threads: 0, rows: 0, steps: 0, gflops: 0, memory: 0, kernels: [] };
  const numbers = { threads: "threads", rows: "rows", steps: "steps", fma_gflops: "gflops", memory_gbs: "memory" };
  lines.slice(1).forEach((line, at) => {
    if (!line) return;
    const cells = line.split("\t");
    const wrong = () => new Error(`Line ${at + 2} of the profile can't be read: ${line.slice(0, 80)}`);
    const number = (cell) => {
      const value = cell === undefined || cell.trim() === "" ? NaN : Number(cell);
      if (!Number.isFinite(value) || value < 0) throw wrong();
      return value;
    };
    if (cells[0] === "network" || cells[0] === "isa") {
      if (!cells[1]) throw wrong();
      found[cells[0]] = cells[1];
    } else if (cells[0] in numbers) {
      found[numbers[cells[0]]] = number(cells[1]);
    } else if (cells[0] === "kernel") {
      if (cells.length !== 5) throw wrong();
      found.kernels.push({ function: cells[1], index: number(cells[2]), name: cells[3], nanos: number(cells[4]) });
    }
  });
  for (const [line, key] of [
    ["network", "network"],
    ["rows", "rows"],
    ["fma_gflops", "gflops"],
    ["memory_gbs", "memory"],
  ]) {
    if (!found[key]) throw new Error(`The profile has no line “${line}”.`);
  }
  return found;
}

/** Why a profile does not go with a network's facts, or nothing. */
function mismatch(profile, facts) {
  if (profile.network !== facts.name) return `This profile is of the network ${profile.network}, not of ${facts.name}.`;
  for (const one of profile.kernels) {
    const of = facts.functions.find((each) => each.name === one.function);
    const kernel = of && of.program.kernels[one.index];
    if (!kernel || kernel.name !== one.name) {
      return (
        `This profile is of another build: kernel ${one.index} of ${one.function} was ${one.name} there` +
        `${kernel ? ` and is ${kernel.name} here` : " and does not exist here"}.`
      );
    }
  }
  return null;
}
