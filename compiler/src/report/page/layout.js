// Where everything of the graph view lies. A row is a group of the source, a lane a phase: the gradient of a layer stands
// beside the layer. An open group shows the groups and the primitives inside it, kernel by kernel.

const SIZES = { cell: 42, title: 24, node: 36, pill: 22, head: 16, gap: 10, pad: 7 };
/** A kernel of more primitives than this has small boxes. */
const MANY = 5;

/** For every node, those that it reads as something visible: what is not shown is looked through. */
function visibleSources(program, all) {
  const key = all ? "sourcesAll" : "sources";
  if (program[key]) return program[key];
  const shown = (node) => all || node.role === "work" || node.role === "external";
  // Operands come first, so what a node looks through is known by then.
  const sources = [];
  for (const node of program.nodes) {
    const found = new Set();
    for (const input of node.inputs) {
      if (shown(program.nodes[input])) found.add(input);
      else for (const source of sources[input]) found.add(source);
    }
    sources.push([...found]);
  }
  program[key] = sources;
  return sources;
}

/** What of a group is in a lane: counted once for each program. */
function lanesOf(program) {
  if (program.lanes) return program.lanes;
  const lanes = program.groups.map(() => ({}));
  const count = (lane, node) => {
    lane.ops ??= new Map();
    lane.kernels ??= new Set();
    if (node.role === "work") lane.ops.set(node.op, (lane.ops.get(node.op) ?? 0) + total(node.flops));
    if (node.kernel !== null) lane.kernels.add(node.kernel);
    lane.row = (lane.row ?? 0) + node.flops[0];
    lane.fixed = (lane.fixed ?? 0) + node.flops[1];
    if (node.role === "external" && node.op !== "state") lane.external ??= node;
  };
  for (const node of program.nodes) {
    for (let group = node.group; group !== null; group = program.groups[group].parent) {
      count((lanes[group][node.phase] ??= {}), node);
    }
  }
  for (const group of lanes) {
    for (const phase of Object.keys(group)) {
      if (!group[phase].ops.size && !group[phase].external) delete group[phase];
    }
  }
  program.lanes = lanes;
  return lanes;
}

/** The primitives of an open group in one lane, from y = 0. */
function block(program, group, phase, lane, all, sources) {
  const shown = program.groups[group].own
    .map((index) => program.nodes[index])
    .filter((node) => node.phase === phase && (all || node.role === "work" || node.role === "external"));
  if (!shown.length) return null;
  const fitting = (width) => Math.max(1, Math.min(6, Math.floor((lane.width - 8) / width)));
  const items = [];
  let y = 0;
  const flow = (nodes, left, width, height, columns) => {
    for (let at = 0; at < nodes.length; at += columns) {
      const row = nodes.slice(at, at + columns);
      const each = (width - SIZES.pad * (row.length - 1)) / row.length;
      row.forEach((node, place) =>
        items.push({
          key: `n${node.index}`,
          kind: "node",
          node,
          x: left + place * (each + SIZES.pad),
          y,
          w: each,
          h: height,
        }),
      );
      y += height + SIZES.pad;
    }
  };
  const loose = shown.filter((node) => node.kernel === null);
  flow(loose, lane.x, lane.width, SIZES.pill, fitting(150));
  const kernels = new Map();
  for (const node of shown.filter((each) => each.kernel !== null)) {
    if (!kernels.has(node.kernel)) kernels.set(node.kernel, []);
    kernels.get(node.kernel).push(node);
  }
  for (const [kernel, nodes] of [...kernels].sort(([a], [b]) => a - b)) {
    const top = y;
    y += SIZES.head + 4;
    const rank = new Map();
    for (const node of nodes) {
      rank.set(node.index, Math.max(0, ...sources[node.index].map((source) => (rank.get(source) ?? -1) + 1)));
    }
    const ranks = Math.max(...rank.values());
    const [left, width] = [lane.x + SIZES.pad, lane.width - 2 * SIZES.pad];
    if (nodes.length > MANY) {
      flow(
        [...nodes].sort((a, b) => rank.get(a.index) - rank.get(b.index) || a.index - b.index),
        left,
        width,
        SIZES.pill,
        fitting(96),
      );
    } else {
      for (let each = 0; each <= ranks; each++)
        flow(
          nodes.filter((node) => rank.get(node.index) === each),
          left,
          width,
          SIZES.node,
          fitting(150),
        );
    }
    const part = nodes.length < program.kernels[kernel].nodes.length;
    items.push({ key: `k${kernel}`, kind: "kernel", kernel, part, x: lane.x, y: top, w: lane.width, h: y - top });
    y += SIZES.pad;
  }
  return { items, height: y };
}

/** Everything with its place, for a width of the view. */
function layout(program, width, open, all) {
  const narrow = width < 640;
  const lanes = lanesOf(program);
  const sources = visibleSources(program, all);
  const phases = PHASES.filter((phase) => lanes.some((group) => group[phase]));
  const label = narrow ? 0 : Math.min(250, Math.round(width * 0.22));
  const gutter = narrow ? 12 : 34;
  const room = width - label - 10 - gutter * phases.length;
  const laneWidth = Math.max(
    narrow ? 104 : 170,
    Math.min(phases.length > 1 ? 560 : 900, room / Math.max(1, phases.length)),
  );
  const lane = phases.map((phase, at) => ({ phase, x: label + 8 + at * (laneWidth + gutter), width: laneWidth }));
  const right = label + 8 + phases.length * (laneWidth + gutter) - (narrow ? 2 : 8);
  const items = [];
  let y = 8;
  const place = (group, depth) => {
    const title = {
      key: `t${group}`,
      kind: "title",
      group,
      depth,
      x: 4 + depth * 12,
      y,
      w: narrow ? right - 8 : label - 8,
      h: SIZES.title,
    };
    items.push(title);
    if (!open.has(group)) {
      const top = narrow ? y + SIZES.title : y;
      title.h = narrow ? SIZES.title : SIZES.cell;
      for (const { phase, x } of lane) {
        const what = lanes[group][phase];
        if (what)
          items.push({
            key: `g${group} ${phase}`,
            kind: "cell",
            group,
            phase,
            what,
            x,
            y: top,
            w: laneWidth,
            h: SIZES.cell,
          });
      }
      y = top + SIZES.cell + SIZES.gap;
      return;
    }
    const frame = {
      key: `f${group}`,
      kind: "frame",
      group,
      depth,
      x: 1 + depth * 5,
      y: y - 3,
      w: right - 2 - depth * 10,
      h: 0,
    };
    items.push(frame);
    y += SIZES.title + 4;
    const blocks = lane.map((each) => block(program, group, each.phase, each, all, sources));
    const height = Math.max(0, ...blocks.map((each) => each?.height ?? 0));
    for (const each of blocks) for (const item of each?.items ?? []) items.push({ ...item, y: item.y + y });
    y += height;
    for (const child of program.groups[group].children) if (visible(child)) place(child, depth + 1);
    frame.h = y - frame.y - 2;
    y += SIZES.gap;
  };
  const visible = (group) => Object.keys(lanes[group]).length > 0;
  for (const group of program.roots) if (visible(group)) place(group, 0);
  const at = new Map(items.map((item) => [item.key, item]));
  return { items, at, lane, narrow, width: right, height: y, edges: edges(program, sources, open, all, at) };
}

/** What is drawn for a node: itself, or the closed group around it. */
function holder(program, node, open) {
  let closed = null;
  for (let group = node.group; group !== null; group = program.groups[group].parent)
    if (!open.has(group)) closed = group;
  return closed === null ? `n${node.index}` : `g${closed} ${node.phase}`;
}

/** Who hands to whom, by what is drawn. */
function edges(program, sources, open, all, at) {
  const found = new Map();
  const keys = program.nodes.map((node) => holder(program, node, open));
  for (const node of program.nodes) {
    if (!all && node.role !== "work") continue;
    for (const source of sources[node.index]) {
      const [from, to] = [keys[source], keys[node.index]];
      if (from !== to && at.has(from) && at.has(to)) found.set(`${from}>${to}`, { from, to });
    }
  }
  return [...found.values()];
}
