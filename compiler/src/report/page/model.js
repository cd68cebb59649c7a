// The facts, and what follows from them.

const facts = JSON.parse(document.getElementById("data").textContent);

const PHASES = ["forward", "backward", "update"];

/** What is shown. */
const state = { view: "overview", fn: 0, part: 0, profile: null, problem: facts.profile_problem, search: "" };

/** Functions, each with itself and the bodies of its loops as parts. */
const functions = facts.functions.map((each) => ({ ...each, parts: partsOf(each) }));

function partsOf(each) {
  const parts = [];
  const add = (program, label, times, top) => {
    parts.push({ program: derived(program), label, times, top });
    for (const loop of program.loops) {
      add(loop.program, program.kernels[loop.kernel].name, times * loop.steps, false);
    }
  };
  add(each.program, each.name, 1, true);
  return parts;
}

/** Adds readers of nodes, children of groups, and neighbours of kernels. */
function derived(program) {
  const { nodes, groups, kernels } = program;
  nodes.forEach((node, index) => Object.assign(node, { index, readers: [] }));
  for (const node of nodes) for (const input of new Set(node.inputs)) nodes[input].readers.push(node.index);
  groups.forEach((group, index) => Object.assign(group, { index, children: [], own: [] }));
  for (const group of groups) if (group.parent !== null) groups[group.parent].children.push(group.index);
  for (const node of nodes) groups[node.group].own.push(node.index);
  kernels.forEach((kernel, index) => Object.assign(kernel, { index, before: [], after: [] }));
  for (const pair of program.neighbours) {
    kernels[pair.from].after.push(pair);
    kernels[pair.to].before.push(pair);
  }
  program.roots = groups.filter((group) => group.parent === null).map((group) => group.index);
  return program;
}

const currentFunction = () => functions[state.fn];
const currentPart = () => currentFunction().parts[state.part] ?? currentFunction().parts[0];
const current = () => currentPart().program;

/** Rows of a call: those that were measured, or the capacity. */
const rows = () => (state.profile ? state.profile.rows : facts.batch);
const total = (cost) => cost[0] * rows() + cost[1];
const sum = (costs) => costs.reduce(([row, fixed], cost) => [row + cost[0], fixed + cost[1]], [0, 0]);
const machine = () => (state.profile ? state.profile : facts.machine);
/** Operations a byte at which reading and computing take the same time. */
const balance = () => machine().gflops / machine().memory;

/** Operations a byte. */
function intensity(kernel) {
  const bytes = total(kernel.bytes);
  return bytes ? total(kernel.flops) / bytes : 0;
}

const boundOf = (kernel) => (intensity(kernel) >= balance() ? "compute" : "memory");

/** The time in nanoseconds that the slower of computing and reading takes. */
const predicted = (kernel) => Math.max(total(kernel.flops) / machine().gflops, total(kernel.bytes) / machine().memory);

/** The measured time in nanoseconds, if there is one. */
function measured(kernel) {
  if (!state.profile || !currentPart().top) return null;
  return state.times.get(`${currentFunction().name}/${kernel.index}`) ?? null;
}

/** Puts a profile beside the predictions. */
function useProfile(profile) {
  state.profile = profile;
  state.times = new Map(profile.kernels.map((one) => [`${one.function}/${one.index}`, one.nanos]));
}

/** What the profile in the report comes to. */
if (facts.profile) {
  state.problem = mismatch(facts.profile, facts);
  if (!state.problem) useProfile(facts.profile);
}

/** A group and all inside it. */
function inside(program, group) {
  const found = [group];
  for (let at = 0; at < found.length; at++) found.push(...program.groups[found[at]].children);
  return found;
}

/** The nodes of a group and of all inside it. */
const nodesIn = (program, group) => inside(program, group).flatMap((each) => program.groups[each].own);

const nodeTitle = (node) => (node.name ? `${node.name} · ${node.op}` : node.op);
const groupTitle = (group) => group.title;

/** Whether a text has what is searched for. */
const matches = (...texts) => {
  const wanted = state.search.trim().toLowerCase();
  return wanted !== "" && texts.some((text) => text && text.toLowerCase().includes(wanted));
};
const nodeMatches = (node) => matches(node.name, node.op, `%${node.index}`);
