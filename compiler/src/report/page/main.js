// The page: its head, the views, the search, the profile.

const VIEWS = {
  overview: ["Overview", overviewView],
  graph: ["Graph", graphView],
  memory: ["Memory", memoryView],
  kernels: ["Kernels", kernelsView],
  passes: ["Passes", passesView],
};

const main = document.getElementById("view");

/** Goes to a view, of another function if one is named. */
function go(view, fn = state.fn, part = fn === state.fn ? state.part : 0) {
  Object.assign(state, { view, fn, part: Math.min(part, functions[fn].parts.length - 1) });
  const hash = `#${view}/${encodeURIComponent(currentFunction().name)}${state.part ? `/${state.part}` : ""}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
  render();
}

/** What the address names. */
function fromAddress() {
  const [view, name, part] = location.hash.slice(1).split("/").map(decodeURIComponent);
  const fn = functions.findIndex((each) => each.name === name);
  if (view in VIEWS) state.view = view;
  if (fn >= 0) Object.assign(state, { fn, part: Math.min(Number(part) || 0, functions[fn].parts.length - 1) });
}

function render() {
  hideCard();
  head();
  const [title, view] = VIEWS[state.view];
  document.title = `${facts.name} · ${title} · kiln report`;
  main.replaceChildren(
    ...[
      state.problem &&
        h(
          "p",
          { class: "problem", role: "alert" },
          state.problem,
          " ",
          button("Dismiss", () => {
            state.problem = null;
            render();
          }),
        ),
      state.view !== "overview" && state.view !== "passes" && parts(),
      view(),
    ]
      .flat(Infinity)
      .filter(Boolean),
  );
  main.className = state.view;
  if (state.view === "graph") drawGraph(true);
}

/** The function itself and the bodies of its loops. */
function parts() {
  const all = currentFunction().parts;
  return (
    all.length > 1 &&
    h(
      "div",
      { class: "bar", role: "group", "aria-label": "part" },
      h("span", { class: "soft" }, "Part:"),
      all.map((part, at) =>
        button(part.top ? part.label : `↻ ${part.label} × ${part.times}`, () => go(state.view, state.fn, at), {
          "aria-pressed": String(at === state.part),
          class: "chip",
        }),
      ),
    )
  );
}

const top_ = document.getElementById("top");

function head() {
  if (!top_.firstChild) {
    const search = h("input", {
      type: "search",
      id: "search",
      placeholder: "Search names",
      "aria-label": "search",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => find(search.value),
      onkeydown: searchKey,
    });
    const file = h("input", {
      type: "file",
      id: "file",
      hidden: true,
      accept: ".tsv,.txt,text/tab-separated-values",
      onchange: () => {
        if (file.files[0]) load(file.files[0]);
        file.value = "";
      },
    });
    top_.append(
      h("h1", {}, facts.name, h("small", {}, "kiln report")),
      h(
        "div",
        { class: "tools" },
        h("div", { class: "finder" }, search, h("ul", { id: "found", hidden: true })),
        button("Load profile", () => file.click(), { id: "profile" }),
        file,
        button("◐", flipTheme, { id: "theme", "aria-label": "light or dark", title: "light or dark" }),
      ),
      h("nav", { id: "views", "aria-label": "views" }),
      h("div", { id: "functions", role: "group", "aria-label": "functions" }),
    );
  }
  document
    .getElementById("views")
    .replaceChildren(
      ...Object.entries(VIEWS).map(([key, [title]]) =>
        button(title, () => go(key), { "data-view": key, "aria-current": key === state.view ? "page" : null }),
      ),
    );
  document
    .getElementById("functions")
    .replaceChildren(
      ...functions.map((each, at) =>
        button(each.name, () => go(state.view, at), {
          "data-function": each.name,
          "aria-pressed": String(at === state.fn),
        }),
      ),
    );
  document.getElementById("profile").textContent = state.profile ? "Profile ✓" : "Load profile";
}

/** What has a name like this, in the part that is shown. */
function find(text) {
  state.search = text;
  const found = document.getElementById("found");
  const program = current();
  const results = [];
  if (text.trim()) {
    for (const group of program.groups)
      if (matches(group.title, group.layer))
        results.push({ kind: "group", text: group.title, act: () => show("graph", () => reveal(`t${group.index}`)) });
    for (const kernel of program.kernels)
      if (matches(kernel.name))
        results.push({
          kind: "kernel",
          text: `${kernel.index} ${kernel.name}`,
          act: () => show("kernels", () => openKernel(kernel)),
        });
    for (const node of program.nodes)
      if (nodeMatches(node))
        results.push({
          kind: node.role === "external" ? "value" : "primitive",
          text: `${nodeTitle(node)} ${node.type}`,
          act: () => show("graph", () => reveal(`n${node.index}`)),
        });
  }
  // Some of each sort have a place among the first.
  const seen = {};
  for (const each of results) {
    seen[each.kind] = (seen[each.kind] ?? 0) + 1;
    each.late = seen[each.kind] > 9 ? 1 : 0;
  }
  const order = (each) => (each.text.toLowerCase().startsWith(text.trim().toLowerCase()) ? 0 : 1);
  results.sort((a, b) => a.late - b.late || order(a) - order(b));
  found.hidden = !text.trim();
  found.replaceChildren(
    ...results.slice(0, 30).map((each) =>
      h(
        "li",
        {},
        button(
          each.text,
          () => {
            found.hidden = true;
            each.act();
          },
          {},
        ),
        h("small", {}, each.kind),
      ),
    ),
    ...(results.length > 30 ? [h("li", { class: "soft" }, `${grouped(results.length - 30)} more`)] : []),
    ...(results.length ? [] : [h("li", { class: "soft" }, `Nothing in ${currentPart().label} has this name.`)]),
  );
  if (state.view === "graph") drawGraph(true);
  else if (state.view === "kernels") redrawKernels();
  else if (state.view === "memory")
    document.getElementById("plan").replaceChildren(planDrawing(program, document.getElementById("plan").clientWidth));
}

function show(view, then) {
  if (state.view !== view) go(view);
  then();
}

function openKernel(kernel) {
  list.open.add(kernel);
  redrawKernels();
  list.until(kernel);
  const row = document.querySelector(`tr[data-kernel="${kernel.index}"]`);
  row?.scrollIntoView({ block: "center" });
  row?.focus({ preventScroll: true });
}

function searchKey(event) {
  const found = document.getElementById("found");
  if (event.key === "Escape") found.hidden = true;
  if (event.key === "Enter") found.querySelector("button")?.click();
  if (event.key === "ArrowDown") {
    event.preventDefault();
    found.querySelector("button")?.focus();
  }
}

async function load(file) {
  try {
    const profile = readProfile(await file.text());
    state.problem = mismatch(profile, facts);
    if (!state.problem) {
      useProfile(profile);
      const at = functions.findIndex((each) => profile.kernels.some((one) => one.function === each.name));
      go("kernels", at < 0 ? state.fn : at, 0);
      return;
    }
  } catch (error) {
    state.problem = error.message;
  }
  render();
}

/** The other of light and dark; what the system has needs no remembering. */
function flipTheme() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const next = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
  if (next === system) delete root.dataset.theme;
  else root.dataset.theme = next;
  try {
    if (next === system) localStorage.removeItem("kiln-theme");
    else localStorage.setItem("kiln-theme", next);
  } catch {
    /* no storage: the choice lasts as long as the page */
  }
}

try {
  const theme = localStorage.getItem("kiln-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  /* no storage */
}

const drop = document.getElementById("drop");
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.hidden = true;
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.hidden = true;
  if (event.dataTransfer.files[0]) load(event.dataTransfer.files[0]);
});
document.addEventListener("click", (event) => {
  if (!event.target.closest?.(".finder")) document.getElementById("found").hidden = true;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches?.("input")) {
    event.preventDefault();
    document.getElementById("search").focus();
  }
});
addEventListener("hashchange", () => {
  fromAddress();
  render();
});
let [resizing, width] = [0, innerWidth];
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(
    () => (state.view === "graph" ? drawGraph(true) : innerWidth !== width && render(), (width = innerWidth)),
    120,
  );
});

fromAddress();
render();
