// The kernels: what each costs, what bounds it, what was fused into it and why its neighbours were not.

const list = { key: "index", down: false, open: new Set() };

const COLUMNS = [
  ["index", "#", "number", (kernel) => kernel.index],
  ["name", "kernel", "", (kernel) => kernel.name],
  ["kind", "kind", "", (kernel) => kernel.kind],
  ["flops", "FLOPs", "number", (kernel) => total(kernel.flops)],
  ["bytes", "bytes", "number", (kernel) => total(kernel.bytes)],
  ["intensity", "FLOP/byte", "number", intensity],
  ["bound", "bound", "", boundOf],
  ["predicted", "predicted", "number", predicted],
];
const MEASURED = [
  ["measured", "measured", "number", (kernel) => measured(kernel) ?? -1],
  ["share", "of ceiling", "number", (kernel) => (measured(kernel) ? predicted(kernel) / measured(kernel) : -1)],
];

function kernelsView() {
  const program = current();
  const { kernels } = program;
  const { gflops, memory } = machine();
  const from = state.profile
    ? `These ceilings were measured by the profile (${state.profile.isa}, ${plural(state.profile.threads, "thread")}, ${plural(state.profile.rows, "row")}, median of ${state.profile.steps} calls).`
    : "These ceilings are assumed: one thread of a current desktop processor. Load a profile to have the measured ones, and times.";
  const times = kernels.map(measured).filter((time) => time !== null);
  return [
    h(
      "p",
      { class: "lead" },
      `${plural(kernels.length, "kernel")}${currentPart().top ? "" : ", costs of one step of the loop"}. The machine: `,
      h("b", {}, `${Number(gflops.toPrecision(4))} GFLOP/s`),
      ", ",
      h("b", {}, `${Number(memory.toPrecision(4))} GB/s`),
      `, so from ${Number(balance().toPrecision(3))} operations a byte on computing is the bound, and below it memory. ${from}`,
      times.length > 0 && [
        " Together: ",
        h("b", {}, timeText(times.reduce((a, b) => a + b, 0))),
        ", predicted ",
        timeText(kernels.map(predicted).reduce((a, b) => a + b, 0)),
        ".",
      ],
    ),
    drawnTo("roofline", (width) => rooflineDrawing(program, width)),
    h(
      "div",
      { class: "wide", id: "kernels", tabindex: "0", role: "region", "aria-label": "kernels" },
      kernelTable(program),
    ),
    h(
      "p",
      { class: "soft" },
      "Bytes are those of the values that a kernel reads and writes, each once: the least that can move. What lies in a cache comes faster than the bound for memory says. ",
      "Operations of what several kernels compute again count for the first of them",
      total(program.scalars) ? `; ${flopsText(total(program.scalars))} are scalars of the whole call.` : ".",
    ),
  ];
}

/** So many rows at first, and more as they come in sight. */
const AT_ONCE = 100;

function kernelTable(program) {
  const columns = state.profile && currentPart().top ? [...COLUMNS, ...MEASURED] : COLUMNS;
  const by = columns.find(([key]) => key === list.key) ?? columns[0];
  const sorted = program.kernels.filter((kernel) => !state.search.trim() || kernelMatches(program, kernel));
  sorted.sort((a, b) => {
    const [left, right] = [by[3](a), by[3](b)];
    return (left < right ? -1 : left > right ? 1 : a.index - b.index) * (list.down ? -1 : 1);
  });
  const sort = (key, kind) => {
    list.down = list.key === key ? !list.down : kind === "number" && key !== "index";
    list.key = key;
    redrawKernels();
  };
  const head = columns.map(([key, title, kind]) =>
    h(
      "th",
      {
        class: `${kind} ${key}`,
        scope: "col",
        "aria-sort": key === by[0] ? (list.down ? "descending" : "ascending") : null,
      },
      button(`${title}${key === by[0] ? (list.down ? " ↓" : " ↑") : ""}`, () => sort(key, kind), { class: "plain" }),
    ),
  );
  const body = h("tbody");
  const more = () => {
    const from = body.querySelectorAll("tr.head").length;
    body.append(...sorted.slice(from, from + AT_ONCE).flatMap((kernel) => kernelRows(program, kernel, columns)));
    if (body.querySelectorAll("tr.head").length < sorted.length) inSight.observe(body.lastChild);
  };
  const inSight = new IntersectionObserver(
    (entries) => {
      const seen = entries.filter((entry) => entry.isIntersecting);
      for (const entry of seen) inSight.unobserve(entry.target);
      if (seen.length) more();
    },
    { rootMargin: "600px" },
  );
  more();
  // What is gone to has to be there.
  list.until = (kernel) => {
    while (
      !body.querySelector(`tr[data-kernel="${kernel.index}"]`) &&
      body.querySelectorAll("tr.head").length < sorted.length
    )
      more();
  };
  if (!sorted.length)
    body.append(h("tr", {}, h("td", { colspan: columns.length, class: "soft" }, "No kernel has this name.")));
  return h("table", { class: "kernels" }, h("thead", {}, h("tr", {}, head)), body);
}

const redrawKernels = () => document.getElementById("kernels").replaceChildren(kernelTable(current()));

const kernelMatches = (program, kernel) =>
  matches(kernel.name, `${kernel.index}`, program.groups[kernel.group]?.title) ||
  kernel.nodes.some((node) => nodeMatches(program.nodes[node]));

function kernelRows(program, kernel, columns) {
  const time = measured(kernel);
  const open = list.open.has(kernel);
  const bound = () => h("span", { class: `bound ${boundOf(kernel)}` }, boundOf(kernel));
  const cells = {
    index: kernel.index,
    name: [
      h("span", { class: "arrow" }, open ? "▾ " : "▸ "),
      h("i", { class: `dot ${kernel.phase}` }),
      kernel.name,
      h("small", { class: "brief" }, `${flopsText(total(kernel.flops))} · ${bytesText(total(kernel.bytes))} `, bound()),
    ],
    kind: kernel.kind,
    flops: flopsText(total(kernel.flops)),
    bytes: bytesText(total(kernel.bytes)),
    intensity: Number(intensity(kernel).toPrecision(3)),
    bound: bound(),
    predicted: timeText(predicted(kernel)),
    measured: time === null ? "" : timeText(time),
    share: time ? share(predicted(kernel) / time) : "",
  };
  const details = () =>
    h("tr", { class: "more" }, h("td", { colspan: columns.length }, kernelDetails(program, kernel)));
  const flip = () => {
    const shown = !list.open.has(kernel);
    if (shown) {
      list.open.add(kernel);
      row.after(details());
    } else {
      list.open.delete(kernel);
      row.nextSibling.remove();
    }
    row.setAttribute("aria-expanded", String(shown));
    row.querySelector(".arrow").textContent = shown ? "▾ " : "▸ ";
  };
  const row = h(
    "tr",
    {
      tabindex: 0,
      class: "head",
      "data-kernel": kernel.index,
      "aria-expanded": String(open),
      onclick: flip,
      onkeydown: (event) => pressed(event, flip),
    },
    columns.map(([key, , kind]) => h("td", { class: `${kind} ${key}` }, cells[key])),
  );
  return open ? [row, details()] : [row];
}

const share = (of) =>
  h(
    "span",
    { class: "gauge" },
    h("i", { style: `width:${Math.min(100, of * 100).toFixed(1)}%` }),
    h("b", {}, percent(of)),
  );

function kernelDetails(program, kernel) {
  const { nodes, kernels, groups } = program;
  const loop = kernel.body === null ? null : program.loops[kernel.body];
  const value = (index) =>
    h(
      "li",
      {},
      h("b", {}, nodeTitle(nodes[index])),
      ` ${nodes[index].type} `,
      h("span", { class: "soft" }, nodes[index].place ?? ""),
    );
  const pair = (other, why) => h("li", {}, h("b", {}, `${other} ${kernels[other].name}`), why ? `: ${why}.` : ".");
  const groupsOf = [...new Set(kernel.nodes.map((node) => groups[nodes[node].group].title))];
  return h(
    "div",
    { class: "details" },
    h(
      "section",
      {},
      h("h3", {}, "Fused into it"),
      h(
        "ol",
        {},
        kernel.nodes.map((node) =>
          h(
            "li",
            {},
            h("b", {}, nodes[node].op),
            ` ${nodes[node].type} `,
            h("span", { class: "soft" }, [nodes[node].name, nodes[node].line].filter(Boolean).join(", ")),
          ),
        ),
      ),
    ),
    h(
      "section",
      {},
      h("h3", {}, "It reads"),
      h("ul", {}, kernel.reads.map(value)),
      h("h3", {}, "It stores"),
      h("ul", {}, kernel.writes.map(value)),
    ),
    h(
      "section",
      {},
      h("h3", {}, "Neighbours, and why they are apart"),
      h(
        "ul",
        {},
        kernel.before.map(({ from, why }) => pair(from, why)),
        kernel.after.map(({ to, why }) => pair(to, why && `there, ${why}`)),
      ),
      !kernel.before.length &&
        !kernel.after.length &&
        h("p", { class: "soft" }, "It has none: it reads and writes nothing of another kernel's."),
      h(
        "p",
        { class: "soft" },
        `Over ${kernel.domain}; from ${groupsOf.join(", ")}.`,
        loop &&
          ` A loop of ${loop.steps} steps${loop.reverse ? ", from the last to the first" : ""}: its kernels are a part of their own above.`,
        kernel.barrier ? " All threads meet before it." : " No threads wait before it.",
      ),
    ),
  );
}

function rooflineDrawing(program, width) {
  const [height, left, bottom] = [width < 640 ? 250 : 320, 50, 40];
  const { gflops, memory } = machine();
  const points = program.kernels.filter((kernel) => total(kernel.flops) && total(kernel.bytes));
  const at = points.map(intensity);
  const low = Math.min(0.1, ...at) / 1.5;
  const high = Math.max(balance() * 8, ...at) * 1.5;
  const speed = (kernel) => {
    const time = measured(kernel);
    return total(kernel.flops) / (time ? time : predicted(kernel));
  };
  const speeds = points.map(speed).filter((each) => each > 0);
  const ceiling = gflops * 2.6;
  const floor = Math.min(low * memory, ...speeds) / 1.5;
  const x = (value) => left + (Math.log(value / low) / Math.log(high / low)) * (width - left - 14);
  const y = (value) => height - bottom - (Math.log(value / floor) / Math.log(ceiling / floor)) * (height - bottom - 12);
  const decades = (from, to) => {
    const all = [];
    for (let each = 10 ** Math.ceil(Math.log10(from)); each <= to; each *= 10) all.push(each);
    return all;
  };
  const drawing = s("svg", { width, height, class: "roofline", role: "group", "aria-label": "roofline" });
  for (const each of decades(low, high))
    drawing.append(
      s("line", { x1: x(each), x2: x(each), y1: 12, y2: height - bottom, class: "rule" }),
      s(
        "text",
        { x: x(each), y: height - bottom + 15, class: "axis", "text-anchor": "middle" },
        Number(each.toPrecision(1)),
      ),
    );
  for (const each of decades(floor, ceiling))
    drawing.append(
      s("line", { x1: left, x2: width - 14, y1: y(each), y2: y(each), class: "rule" }),
      s("text", { x: left - 6, y: y(each) + 4, class: "axis", "text-anchor": "end" }, Number(each.toPrecision(1))),
    );
  const ridge = balance();
  drawing.append(
    s("path", { d: `M${x(low)} ${y(low * memory)}L${x(ridge)} ${y(gflops)}H${width - 14}`, class: "roof" }),
    s(
      "text",
      { x: width - 16, y: y(gflops) - 15, class: "axis", "text-anchor": "end" },
      `${Number(gflops.toPrecision(3))} GFLOP/s`,
    ),
    s(
      "text",
      { x: x(Math.sqrt(low * ridge)), y: y(Math.sqrt(low * ridge) * memory) - 10, class: "axis", "text-anchor": "end" },
      `${Number(memory.toPrecision(3))} GB/s`,
    ),
    s("text", { x: (left + width) / 2, y: height - 6, class: "axis", "text-anchor": "middle" }, "operations a byte"),
    s(
      "text",
      { transform: `translate(12 ${(height - bottom) / 2}) rotate(-90)`, class: "axis", "text-anchor": "middle" },
      "GFLOP/s",
    ),
  );
  const most = Math.max(...points.map((kernel) => total(kernel.flops)), 1);
  for (const kernel of points) {
    const size = 3 + 6 * Math.sqrt(total(kernel.flops) / most);
    drawing.append(
      s("circle", {
        cx: x(intensity(kernel)),
        cy: y(speed(kernel)),
        r: size,
        class: `point ${kernel.phase} ${measured(kernel) ? "measured" : ""}`,
        "data-card": `k${kernel.index}`,
        tabindex: 0,
      }),
    );
  }
  return [
    drawing,
    h(
      "p",
      { class: "soft" },
      state.profile && currentPart().top
        ? "Each dot is a kernel as it was measured; the line is what the machine allows at its operations a byte."
        : "Each ring is a kernel where the prediction has it: on the line that the machine allows. A profile puts the measured ones below it.",
    ),
  ];
}
