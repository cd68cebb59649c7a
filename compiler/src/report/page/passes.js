// The passes: what each made of the graph, and how long it took.

const passes = { all: false };

function passesView() {
  const runs = currentFunction().passes;
  const first = runs[0]?.before ?? 0;
  const last = runs.at(-1)?.after ?? 0;
  const time = runs.reduce((all, run) => all + run.micros, 0);
  const most = Math.max(1, ...runs.map((run) => Math.max(run.before, run.after)));
  const slowest = Math.max(1, ...runs.map((run) => run.micros));
  const body = h("div", { id: "passes" });
  const redraw = () => {
    const shown = runs.map((run, index) => ({ ...run, index })).filter((run) => passes.all || run.changed);
    body.replaceChildren(
      table(
        [
          ["#", "number"],
          ["pass", ""],
          ["before", "number"],
          ["after", "number"],
          ["change", "number"],
          ["time", "number"],
          ["", "bars"],
        ],
        shown.map((run) => [
          run.index + 1,
          run.changed ? h("b", {}, run.name) : h("span", { class: "soft" }, run.name),
          grouped(run.before),
          grouped(run.after),
          run.after === run.before
            ? ""
            : `${run.after > run.before ? "+" : "−"}${grouped(Math.abs(run.after - run.before))}`,
          timeText(run.micros * 1e3),
          h("i", { class: "timebar", style: `width:${((run.micros / slowest) * 100).toFixed(1)}%` }),
        ]),
        { label: "passes" },
      ),
    );
  };
  redraw();
  const check = h("input", {
    type: "checkbox",
    checked: passes.all,
    onchange: (event) => {
      passes.all = event.target.checked;
      redraw();
    },
  });
  return [
    h(
      "p",
      { class: "lead" },
      `${plural(runs.length, "run")} of passes made `,
      h("b", {}, plural(last, "primitive")),
      ` of the ${grouped(first)} that came in, in `,
      h("b", {}, timeText(time * 1e3)),
      ". The table of passes is run again until nothing changes. ",
      runs.some((run) => run.name === "autodiff") && "Autodiff adds the gradients and the optimiser. ",
    ),
    drawnTo("", (width) => [passDrawing(runs, most, width)]),
    h("div", { class: "bar" }, h("label", {}, check, " runs that changed nothing, too")),
    body,
  ];
}

function passDrawing(runs, most, width) {
  const [height, left, bottom] = [190, 46, 26];
  const across = (width - left - 8) / Math.max(1, runs.length);
  const y = (nodes) => height - bottom - (nodes / most) * (height - bottom - 14);
  const drawing = s("svg", { width, height, class: "runs", role: "img", "aria-label": "primitives after each run" });
  for (const share of [0, 0.5, 1]) {
    drawing.append(
      s("line", { x1: left, x2: width - 8, y1: y(share * most), y2: y(share * most), class: "rule" }),
      s(
        "text",
        { x: left - 6, y: y(share * most) + 4, class: "axis", "text-anchor": "end" },
        grouped(Math.round(share * most)),
      ),
    );
  }
  runs.forEach((run, at) =>
    drawing.append(
      s(
        "rect",
        {
          x: left + at * across + 0.5,
          y: y(run.after),
          width: Math.max(1, across - 1),
          height: height - bottom - y(run.after),
          class: run.changed ? "run changed" : "run",
        },
        s("title", {}, `${at + 1} ${run.name}: ${run.before} → ${run.after}`),
      ),
    ),
  );
  const named = runs.findIndex((run) => run.name === "autodiff");
  if (named >= 0)
    drawing.append(
      s(
        "text",
        { x: left + named * across - 4, y: y(runs[named].after) + 4, class: "axis", "text-anchor": "end" },
        "autodiff ▸",
      ),
    );
  drawing.append(
    s(
      "text",
      { x: left, y: height - 8, class: "axis" },
      fitted("primitives after each run; full colour where it changed something", width - left, 11),
    ),
  );
  return drawing;
}
