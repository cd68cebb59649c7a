// The network at a glance.

const CONSTANTS = {
  PARAMETERS: ["parameters", grouped],
  PARAMETER_BYTES: ["their block", bytesText],
  OPTIMIZER_BYTES: ["optimiser's state", bytesText],
  TRAIN_FLOPS: ["a training step", flopsText],
  TRAIN_ARENA_BYTES: ["its arena", bytesText],
  INFER_FLOPS: ["inference", flopsText],
  INFER_ARENA_BYTES: ["its arena", bytesText],
};

function overviewView() {
  const shown = facts.constants.filter(({ value }) => value);
  return [
    h(
      "p",
      { class: "lead" },
      `What the compiler made of `,
      h("b", {}, facts.name),
      facts.line ? ` (${facts.line})` : "",
      `, for up to ${plural(facts.batch, "row")} of ${facts.dtype}. `,
      `Inputs: ${facts.inputs.map((input) => `${input.name} ${input.type}${input.classes ? ` below ${input.classes}` : ""}`).join(", ") || "none"}.`,
    ),
    h(
      "div",
      { class: "tiles" },
      shown.map(({ name, value }) =>
        h(
          "div",
          { class: "tile", title: `${facts.name}::${name} = ${grouped(value)}` },
          h("b", {}, CONSTANTS[name][1](value)),
          h("span", {}, CONSTANTS[name][0]),
          h("code", {}, name),
        ),
      ),
    ),
    h("h2", {}, "Functions"),
    table(
      [
        ["function", ""],
        ["primitives", "number"],
        ["kernels", "number"],
        ["FLOPs", "number"],
        ["arena", "number"],
        ["over the bound", "number"],
        ["predicted", "number"],
        ["measured", "number"],
      ],
      functions.map((each, at) => functionRow(each, at)),
      { label: "functions" },
    ),
    h("h2", {}, `Where the work of ${currentFunction().name} is`),
    workBars(functions[state.fn].parts[0].program),
    h("h2", {}, "Layers"),
    table(
      [
        ["name", ""],
        ["layer", ""],
        ["output", "code"],
        ["parameters", "number"],
      ],
      facts.layers.map((layer) => [
        h("b", {}, layer.name),
        layer.kind,
        h("code", {}, layer.type),
        layer.parameters ? grouped(layer.parameters) : "",
      ]),
      { label: "layers" },
    ),
    h(
      "p",
      { class: "soft" },
      "Beside this page stand ",
      h("a", { href: beside("json") }, "the same facts as JSON"),
      " and the graphs: ",
      functions.flatMap(({ name }, at) => [
        at ? ", " : "",
        name,
        " as ",
        h("a", { href: beside(`${name}.dot`) }, "DOT"),
        " and ",
        h("a", { href: beside(`${name}.mmd`) }, "Mermaid"),
      ]),
      ".",
    ),
  ];
}

/** The address of another file of the report. */
const beside = (rest) => encodeURIComponent(`${facts.name}.${rest}`);

function functionRow(each, at) {
  const { program } = each.parts[0];
  const { memory, kernels, nodes } = program;
  const times = state.profile
    ? kernels.map((kernel) => state.times.get(`${each.name}/${kernel.index}`)).filter((time) => time !== undefined)
    : [];
  return [
    button(each.name, () => go("graph", at), { class: "link" }),
    grouped(nodes.length),
    grouped(kernels.length),
    flopsText(total(program.flops)),
    bytesText(memory.arena),
    memory.bound ? `${(memory.arena / memory.bound).toFixed(3)} ×` : "",
    timeText(kernels.map(predicted).reduce((a, b) => a + b, 0)),
    times.length ? timeText(times.reduce((a, b) => a + b, 0)) : "",
  ];
}

/** The share of each call in the source, phase by phase. */
function workBars(program) {
  const lanes = lanesOf(program);
  const work = program.roots.map((group) => ({
    group,
    phases: PHASES.map((phase) =>
      lanes[group][phase] ? lanes[group][phase].row * rows() + lanes[group][phase].fixed : 0,
    ),
  }));
  const all = work
    .map(({ group, phases }) => ({ group, phases, flops: phases.reduce((a, b) => a + b, 0) }))
    .filter(({ flops }) => flops);
  all.sort((a, b) => b.flops - a.flops);
  const whole = all.reduce((sum, { flops }) => sum + flops, 0) || 1;
  const most = all[0]?.flops ?? 1;
  return h(
    "div",
    { class: "work" },
    all.slice(0, 16).map(({ group, phases, flops }) =>
      h(
        "div",
        { "data-card": `g${group}`, tabindex: 0 },
        h("span", { class: "what" }, program.groups[group].title),
        h(
          "span",
          { class: "stack" },
          phases.map(
            (each, at) =>
              each > 0 && h("i", { class: PHASES[at], style: `width:${((each / most) * 100).toFixed(2)}%` }),
          ),
        ),
        h("span", { class: "number" }, `${flopsText(flops)}, ${percent(flops / whole)}`),
      ),
    ),
    all.length > 16 && h("p", { class: "soft" }, `${all.length - 16} more.`),
  );
}
