// The graph: layers as groups that open, phases side by side, kernels as outlines.

const graph = { all: false, drawn: null, scroller: null, layout: null, marks: new Map() };

/** The groups that are open in a program. */
const openOf = (program) =>
  (program.open ??= new Set(program.roots.length === 1 ? inside(program, program.roots[0]) : []));

function graphView() {
  const program = current();
  const count = program.groups.length;
  const everything = new Set(program.groups.map((group) => group.index));
  const set = (open) => {
    program.open = open;
    graph.layout = null;
    drawGraph(true);
  };
  graph.scroller = h("div", { class: "scroller", id: "graph", tabindex: "-1", onscroll: () => drawGraph(false) });
  graph.layout = null;
  const check = h("input", {
    type: "checkbox",
    checked: graph.all,
    onchange: (event) => {
      graph.all = event.target.checked;
      set(openOf(program));
    },
  });
  return [
    h(
      "p",
      { class: "lead" },
      "Each row is a call in your source; its gradient and the update of its parameters stand beside it. ",
      "Open a row to see its primitives. A dashed outline is a kernel: what is in it is computed in one go.",
    ),
    h(
      "div",
      { class: "bar" },
      button("Open all", () => set(everything), { id: "open-all", disabled: !count }),
      button("Close all", () => set(new Set()), { id: "close-all", disabled: !count }),
      h("label", {}, check, " views and constants"),
      h(
        "span",
        { class: "legend" },
        PHASES.filter((phase) => program.nodes.some((node) => node.phase === phase)).map((phase) =>
          h("span", {}, h("i", { class: `dot ${phase}` }), phase),
        ),
      ),
    ),
    graph.scroller,
  ];
}

/** Draws what is in sight, again if it has to. */
function drawGraph(force) {
  const { scroller } = graph;
  if (!scroller?.isConnected) return;
  const program = current();
  const width = scroller.clientWidth;
  if (!graph.layout || graph.width !== width) {
    graph.width = width;
    graph.layout = layout(program, width, openOf(program), graph.all);
    force = true;
  }
  const { scrollTop, clientHeight } = scroller;
  const margin = 700;
  if (
    !force &&
    graph.drawn &&
    scrollTop >= graph.drawn.from + margin / 2 &&
    scrollTop + clientHeight <= graph.drawn.to - margin / 2
  )
    return;
  const [from, to] = [scrollTop - margin, scrollTop + clientHeight + margin];
  graph.drawn = { from: from <= 0 ? -Infinity : from, to: to >= graph.layout.height ? Infinity : to };
  const focused = document.activeElement?.dataset?.key;
  scroller.replaceChildren(lanesHead(graph.layout), drawing(program, graph.layout, from, to));
  if (focused) scroller.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
}

const lanesHead = ({ lane, width }) =>
  h(
    "div",
    { class: "lanes", style: `width:${width}px` },
    lane.map(({ phase, x, width: w }) => h("span", { class: phase, style: `left:${x}px;width:${w}px` }, phase)),
  );

function drawing(program, { items, at, width, height, edges: all, narrow }, from, to) {
  graph.marks = new Map();
  const inSight = (top, bottom) => bottom >= from && top <= to;
  const frames = s("g");
  const lines = s("g", { class: "edges" });
  const boxes = s("g");
  for (const item of items) {
    if (inSight(item.y, item.y + item.h))
      (item.kind === "frame" || item.kind === "kernel" ? frames : boxes).append(shape(program, item, narrow));
  }
  for (const edge of all) {
    const [a, b] = [at.get(edge.from), at.get(edge.to)];
    if (!inSight(Math.min(a.y, b.y), Math.max(a.y + a.h, b.y + b.h))) continue;
    const path = s("path", { d: curve(a, b, narrow ? 9 : 24), class: a.phase ?? a.node.phase });
    lines.append(path);
    for (const key of [edge.from, edge.to]) {
      if (!graph.marks.has(key)) graph.marks.set(key, []);
      graph.marks.get(key).push(path);
    }
  }
  return s(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "graph" },
    frames,
    lines,
    boxes,
  );
}

/** From box to box: down or up inside a lane, across between two. */
function curve(a, b, gutter) {
  const middle = (box) => box.x + box.w / 2;
  if (Math.abs(a.x - b.x) > Math.max(a.w, b.w) / 2 && (a.x + a.w <= b.x || b.x + b.w <= a.x)) {
    const right = b.x > a.x;
    const [x1, x2] = right ? [a.x + a.w, b.x] : [a.x, b.x + b.w];
    const [y1, y2] = [a.y + a.h / 2, b.y + b.h / 2];
    const bend = (right ? 1 : -1) * Math.max(14, Math.abs(x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }
  const down = b.y >= a.y;
  const [y1, y2] = down ? [a.y + a.h, b.y] : [a.y, b.y + b.h];
  const [x1, x2] = [middle(a), middle(b)];
  const length = Math.abs(y2 - y1);
  if (length <= 60) {
    const bend = Math.max(4, length / 2) * (down ? 1 : -1);
    return `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
  }
  // What goes past others goes beside them.
  const [right1, right2, from, to] = [a.x + a.w, b.x + b.w, a.y + a.h * 0.7, b.y + b.h * 0.3];
  const out = Math.max(right1, right2) + Math.min(gutter, 6 + length / 40);
  const turn = (down ? 1 : -1) * 14;
  return `M${right1} ${from}Q${out} ${from} ${out} ${from + turn}L${out} ${to - turn}Q${out} ${to} ${right2} ${to}`;
}

/** What is computed in a cell, the dearest first. */
const ops = ({ ops: found }) =>
  [...found]
    .sort((a, b) => b[1] - a[1])
    .map(([op]) => op)
    .join(", ");

function shape(program, item, narrow) {
  const { x, y, w, h: height } = item;
  const box = (radius, extra) => s("rect", { x, y, width: w, height, rx: radius, ...extra });
  const text = (dx, dy, kind, words) => s("text", { x: x + dx, y: y + dy, class: kind }, words);
  switch (item.kind) {
    case "frame":
      return box(9, { class: `frame depth${item.depth % 2}` });
    case "kernel": {
      const kernel = program.kernels[item.kernel];
      const words = `${kernel.index} ${kernel.name}${item.part ? " (part)" : ""}`;
      return s(
        "g",
        { class: `kernel ${kernel.phase}`, "data-card": item.key, "data-key": item.key, tabindex: 0 },
        box(7, {}),
        text(7, 13, "head", fitted(words, w - 12, 10.5)),
      );
    }
    case "title": {
      const group = program.groups[item.group];
      const open = openOf(program).has(item.group);
      const room = item.w - item.depth * 12 - 20;
      const words = [
        s("title", {}, group.title),
        box(5, { class: "back" }),
        text(6, 16, "arrow", open ? "▾" : "▸"),
        text(20, 16, "name", fitted(group.title, room, 12.5)),
      ];
      const below = [group.layer, group.line].filter(Boolean).join(" · ");
      if (!open && !narrow) words.push(text(20, 33, "soft", fitted(below, room, 11)));
      else if (below && group.title.length * 7 + below.length * 6.5 < room) {
        words.push(
          s("text", { x: x + w - item.depth * 12 - 8, y: y + 16, class: "soft", "text-anchor": "end" }, below),
        );
      }
      const hit = state.search && nodesIn(program, item.group).some((node) => nodeMatches(program.nodes[node]));
      return s(
        "g",
        {
          class: `title ${hit || matches(group.title, group.layer) ? "hit" : ""}`,
          "data-card": `g${item.group}`,
          "data-key": item.key,
          tabindex: 0,
          role: "button",
          "aria-expanded": String(open),
          onclick: () => toggle(program, item.group),
          onkeydown: (event) => pressed(event, () => toggle(program, item.group)),
        },
        words,
      );
    }
    case "cell": {
      const { what } = item;
      const flops = what.row * rows() + what.fixed;
      const more = narrow ? flopsText(flops) : `${plural(what.kernels.size, "kernel")}, ${flopsText(flops)}`;
      const hit =
        state.search &&
        nodesIn(program, item.group).some(
          (node) => program.nodes[node].phase === item.phase && nodeMatches(program.nodes[node]),
        );
      return s(
        "g",
        {
          class: `cell ${item.phase} ${hit ? "hit" : ""}`,
          "data-card": item.key,
          "data-key": item.key,
          tabindex: 0,
          role: "button",
          onclick: (event) => {
            if (event.pointerType !== "touch") toggle(program, item.group);
          },
          onkeydown: (event) => pressed(event, () => toggle(program, item.group)),
        },
        box(7, {}),
        text(9, 17, "name", fitted(ops(what) || nodeTitle(what.external), w - 16, 12.5)),
        text(9, 33, "soft", fitted(what.kernels.size ? more : what.external.type, w - 16, 11)),
      );
    }
    default: {
      const { node } = item;
      const pill = height < 30;
      const first =
        node.role === "work"
          ? node.op
          : ["param", "input", "state"].includes(node.op)
            ? (node.name ?? node.op)
            : nodeTitle(node);
      return s(
        "g",
        {
          class: `node ${node.phase} ${node.role} ${nodeMatches(node) ? "hit" : ""}`,
          "data-card": item.key,
          "data-key": item.key,
          "data-kernel": node.kernel,
          tabindex: 0,
        },
        box(pill ? 11 : 6, {}),
        text(8, 15, "name", fitted(first, w - 14, pill ? 11 : 12)),
        !pill && text(8, 29, "soft", fitted(node.type, w - 14, 10.5)),
      );
    }
  }
}

function pressed(event, act) {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  act();
}

function toggle(program, group) {
  const open = openOf(program);
  if (open.has(group)) open.delete(group);
  else {
    open.add(group);
    // A group of one group alone is no place to stop at.
    for (
      let at = program.groups[group];
      !at.own.length && at.children.length === 1;
      at = program.groups[at.children[0]]
    )
      open.add(at.children[0]);
  }
  hideCard();
  graph.layout = null;
  drawGraph(true);
  graph.scroller.querySelector(`[data-key="t${group}"]`)?.focus({ preventScroll: true });
}

/** Opens what is around a node, or a group, and goes there. */
function reveal(key) {
  const program = current();
  const open = openOf(program);
  const index = Number(key.slice(1));
  const start = key[0] === "n" ? program.nodes[index].group : program.groups[index].parent;
  for (let group = start; group !== null; group = program.groups[group].parent) open.add(group);
  if (key[0] === "n" && !["work", "external"].includes(program.nodes[index].role)) graph.all = true;
  graph.layout = null;
  drawGraph(true);
  const item = graph.layout.at.get(key);
  if (!item) return;
  graph.scroller.scrollTop = Math.max(0, item.y - graph.scroller.clientHeight / 3);
  drawGraph(true);
  const element = graph.scroller.querySelector(`[data-key="${key}"]`);
  element?.classList.add("found");
  element?.focus({ preventScroll: true });
}

/** Lights up what the pointer is on: its edges, and all parts of its kernel. */
function hovered(element) {
  if (state.view !== "graph" || !graph.scroller) return;
  for (const lit of graph.scroller.querySelectorAll(".lit")) lit.classList.remove("lit");
  const key = element?.dataset.key;
  const marks = (key && graph.marks.get(key)) ?? [];
  for (const path of marks) path.classList.add("lit");
  const kernel = element?.dataset.kernel ?? (key?.[0] === "k" ? key.slice(1) : null);
  if (kernel !== null && kernel !== undefined) {
    for (const each of graph.scroller.querySelectorAll(`[data-key="k${kernel}"]`)) each.classList.add("lit");
  }
}
