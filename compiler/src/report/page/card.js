// The card beside what the pointer or the keyboard is on.

const card = document.getElementById("card");

const line = (name, value) =>
  value === null || value === undefined || value === "" || value === false
    ? null
    : [h("dt", {}, name), h("dd", {}, value)];

/** A value in a few words. */
const briefly = (node) => `${nodeTitle(node)} ${node.type}`;

function nodeCard(node) {
  const program = current();
  const kernel = node.kernel === null ? null : program.kernels[node.kernel];
  const roles = {
    external: "handed over, or kept between calls",
    view: "no work: another way to read its operand",
    inlined: "computed again by every reader",
    scalar: "one number for the whole call",
    work: null,
  };
  const outside = program.memory.buffers.find((buffer) => buffer.values.includes(node.index));
  return [
    h("h3", {}, h("i", { class: `dot ${node.phase}` }), nodeTitle(node)),
    h(
      "dl",
      {},
      line("shape", node.type),
      line("bytes", bytesText(total(node.bytes))),
      line("FLOPs", flopsText(total(node.flops))),
      line("source", node.line),
      line("settings", node.settings),
      line("kernel", kernel && `${kernel.index} ${kernel.name}`),
      line("role", roles[node.role]),
      line("stored in", node.place ?? (node.role === "work" ? "registers: it never reaches memory" : null)),
      line("lives", outside && `kernels ${outside.from} to ${outside.to - 1}`),
      line(
        "reads",
        node.inputs
          .map((input) => nodeTitle(program.nodes[input]))
          .slice(0, 6)
          .join(", "),
      ),
      line(
        "read by",
        node.readers
          .map((reader) => nodeTitle(program.nodes[reader]))
          .slice(0, 6)
          .join(", "),
      ),
    ),
  ];
}

function kernelCard(kernel) {
  const program = current();
  const time = measured(kernel);
  return [
    h("h3", {}, h("i", { class: `dot ${kernel.phase}` }), `${kernel.index} ${kernel.name}`),
    h(
      "dl",
      {},
      line("computes", kernel.nodes.map((node) => program.nodes[node].op).join(", ")),
      line("over", kernel.domain),
      line("FLOPs", flopsText(total(kernel.flops))),
      line("bytes", bytesText(total(kernel.bytes))),
      line("intensity", `${Number(intensity(kernel).toPrecision(3))} FLOP/byte, ${boundOf(kernel)} bound`),
      line("predicted", timeText(predicted(kernel))),
      line("measured", time === null ? null : `${timeText(time)}, ${percent(predicted(kernel) / time)} of the ceiling`),
      line("source", kernel.lines.join(", ")),
    ),
  ];
}

function groupCard(group, phase) {
  const program = current();
  const nodes = nodesIn(program, group.index)
    .map((node) => program.nodes[node])
    .filter((node) => !phase || node.phase === phase);
  const kernels = new Set(nodes.map((node) => node.kernel).filter((kernel) => kernel !== null));
  const work = nodes.filter((node) => node.role === "work");
  const stored = work.filter((node) => node.place);
  const handed = nodes.filter((node) => node.role === "external");
  return [
    h("h3", {}, phase && h("i", { class: `dot ${phase}` }), group.title),
    h(
      "dl",
      {},
      line("layer", group.layer),
      line("part", phase),
      line("shape", (work.at(-1) ?? handed.at(-1))?.type),
      line(
        "bytes",
        stored.length > 0 &&
          `${bytesText(total(sum(stored.map((node) => node.bytes))))} stored, in ${plural(stored.length, "value")}`,
      ),
      line("FLOPs", work.length > 0 && flopsText(total(sum(nodes.map((node) => node.flops))))),
      line("primitives", work.length > 0 && grouped(work.length)),
      line("kernels", kernels.size > 0 && grouped(kernels.size)),
      line("given", handed.slice(0, 6).map(briefly).join(", ")),
      line("source", group.line),
    ),
  ];
}

function bufferCard(buffer) {
  const program = current();
  const { memory, kernels } = program;
  const values = buffer.values.map((value) => program.nodes[value]);
  const end = buffer.to > kernels.length ? "the end of the call" : `${buffer.to - 1} ${kernels[buffer.to - 1].name}`;
  return [
    h("h3", {}, h("i", { class: `dot ${values[0]?.phase ?? "forward"}` }), buffer.name),
    h(
      "dl",
      {},
      line("bytes", `${bytesText(buffer.size)} (${grouped(buffer.size)})`),
      line("offset", grouped(buffer.offset)),
      line("from", `${buffer.from} ${kernels[buffer.from]?.name ?? ""}`),
      line("to", end),
      line("values", values.map(briefly).join(", then ")),
      line("at the peak", buffer.from <= memory.peak && memory.peak < buffer.to ? "yes" : "no"),
      line("source", values[0]?.line),
    ),
  ];
}

/** What an element's `data-card` names: `n3`, `k3`, `b3`, `g3` or `g3 forward`. */
function cardOf(text) {
  const program = current();
  const [name, phase] = text.split(" ");
  const index = Number(name.slice(1));
  switch (name[0]) {
    case "n":
      return nodeCard(program.nodes[index]);
    case "k":
      return kernelCard(program.kernels[index]);
    case "b":
      return bufferCard(program.memory.buffers[index]);
    default:
      return groupCard(program.groups[index], phase);
  }
}

function showCard(element, x, y) {
  card.replaceChildren(...cardOf(element.dataset.card).flat(Infinity).filter(Boolean));
  card.hidden = false;
  if (matchMedia("(max-width: 640px)").matches) {
    card.style.cssText = "";
    return;
  }
  const { width, height } = card.getBoundingClientRect();
  const left = x + 16 + width > innerWidth ? Math.max(8, x - width - 16) : x + 16;
  const top = Math.max(8, Math.min(y + 12, innerHeight - height - 8));
  card.style.cssText = `left:${left}px;top:${top}px`;
}

const hideCard = () => {
  card.hidden = true;
};

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const element = event.target.closest?.("[data-card]");
  if (element) showCard(element, event.clientX, event.clientY);
  else if (!event.target.closest?.("#card")) hideCard();
  hovered(element);
});
document.addEventListener("focusin", (event) => {
  const element = event.target.closest?.("[data-card]");
  if (!element || !event.target.matches(":focus-visible")) return;
  const box = element.getBoundingClientRect();
  showCard(element, Math.min(box.right, innerWidth - 40), box.top);
  hovered(element);
});
document.addEventListener("click", (event) => {
  const element = event.target.closest?.("[data-card]");
  if (element && event.pointerType === "touch") showCard(element, event.clientX, event.clientY);
  else if (!element && !event.target.closest?.("#card")) hideCard();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideCard();
});
