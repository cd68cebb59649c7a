// Opens reports in a real browser and uses them as a reader does, and leaves pictures.
// Usage: report.mjs CHROMIUM FOLDER SHOTS.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { open, start } from "./chrome.mjs";

const [chromium, folder, shots] = process.argv.slice(2);
mkdirSync(shots, { recursive: true });

const VIEWS = ["overview", "graph", "memory", "kernels", "passes"];
/** Milliseconds in which every act has to be answered. */
const LIMIT = 1000;
const NETWORKS = ["MnistCnn", "CharTransformer", "DeepTransformer", "StackedLstm", "Inference"];

const browser = await start(chromium);
let slow = [];
let slowest = { what: "", time: 0 };
let acts = 0;

/** Notes how long an answer took. */
function answered(what, time) {
  acts += 1;
  if (time > slowest.time) slowest = { what, time };
  if (time > LIMIT) slow.push(`${what}: ${time.toFixed(0)} ms`);
}

/** A part of the test. Where an answer came late it is done again, up to twice: the machine may have been busy. */
async function part(test, ...given) {
  for (let attempt = 0; attempt < 3; attempt++) {
    slow = [];
    const result = await test(...given);
    if (!slow.length) return result;
    slowest = { what: "", time: 0 };
  }
  throw new Error(`slower than ${LIMIT} ms, three times: ${slow.join(", ")}`);
}

/** Does something and holds it to the limit. */
async function within(page, what, act) {
  answered(what, await page.timed(act));
}

const text = (page, selector) =>
  page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`);
const count = (page, selector) => page.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
const hidden = (page, selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).hidden`);

async function opened(name, size) {
  const page = await open(browser, size);
  answered(`${name} opens`, await page.load(pathToFileURL(resolve(folder, `${name}.html`)).href));
  return page;
}

/** Nothing is complained of, and nothing is fetched. */
async function quiet(page, name) {
  assert.deepEqual(page.complaints, [], `${name}: the console is not silent`);
  const elsewhere = page.requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"));
  assert.deepEqual(elsewhere, [], `${name} asks for something`);
  const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  assert.ok(wide <= 0, `${name} is ${wide} px wider than its window`);
}

/** Every view of every function, with the mouse. */
async function views(name) {
  const page = await opened(name, { width: 1366, height: 860 });
  const functions = await page.evaluate(
    "[...document.querySelectorAll('[data-function]')].map((each) => each.dataset.function)",
  );
  for (const each of functions) {
    await within(page, `${name}: ${each}`, () => page.click(`[data-function="${each}"]`));
    for (const view of VIEWS) {
      await within(page, `${name}: ${view} of ${each}`, () => page.click(`[data-view="${view}"]`));
      assert.equal(await page.evaluate("document.querySelector('main').className"), view);
      assert.ok((await text(page, "main")).length > 80, `${name}: ${view} of ${each} is empty`);
      await page.leave();
      if (each === functions[0]) await page.shot(join(shots, `${name}-${view}.png`));
    }
  }
  await quiet(page, name);
  await page.close();
  return functions;
}

/** The graph opens, with the mouse and with the keyboard, and tells what is under the pointer. */
async function graph(name) {
  const page = await opened(name, { width: 1366, height: 860 });
  await within(page, `${name}: graph`, () => page.click('[data-view="graph"]'));
  const before = await count(page, "#graph .node");
  assert.equal(before, 0, "it begins closed");
  const rows = await count(page, "#graph .title");
  assert.ok(rows >= 2, `${name}: ${rows} rows`);
  // The mouse opens a group and closes it.
  const group = await page.evaluate(
    "[...document.querySelectorAll('#graph .cell')].find((cell) => / kernel/.test(cell.textContent)).dataset.card.split(' ')[0].slice(1)",
  );
  await within(page, `${name}: a group opens`, () => page.click(`#graph [data-key="t${group}"]`));
  assert.equal(
    await page.evaluate(`document.querySelector('#graph [data-key="t${group}"]').getAttribute("aria-expanded")`),
    "true",
  );
  await within(page, `${name}: all opens`, () => page.click("#open-all"));
  assert.ok((await count(page, "#graph .node")) > 3, `${name}: primitives are there`);
  assert.ok((await count(page, "#graph .kernel")) > 0, `${name}: kernels are outlined`);
  await page.shot(join(shots, `${name}-graph-open.png`));
  // Hovering tells shape, bytes, operations and the line.
  await within(page, `${name}: hover`, () => page.hover("#graph .node.work"));
  const card = await text(page, "#card");
  for (const part of ["shape", "bytes", "FLOPs", "source", "kernel"])
    assert.ok(card.includes(part), `${name}: the card has no ${part}: ${card}`);
  assert.ok((await count(page, "#graph .lit")) > 0, "what belongs to it is lit");
  await page.shot(join(shots, `${name}-graph-hover.png`));
  await page.leave();
  await page.painted();
  assert.equal(await hidden(page, "#card"), true, "the card goes");
  await within(page, `${name}: scrolling`, () => page.evaluate("document.getElementById('graph').scrollTop = 1e9"));
  assert.ok((await count(page, "#graph .node, #graph .cell")) > 0, "the end of the graph is drawn");
  await within(page, `${name}: all closes`, () => page.click("#close-all"));
  assert.equal(await count(page, "#graph .node"), 0);
  // The keyboard: the focus shows the card, Enter opens, Escape hides.
  await page.evaluate("document.getElementById('close-all').focus()");
  for (let each = 0; each < 4 && !(await page.evaluate("document.activeElement.matches('.title')")); each++)
    await page.key("Tab");
  await page.painted();
  assert.equal(await page.evaluate("document.activeElement.matches('.title')"), true, "a row takes the focus");
  assert.equal(await hidden(page, "#card"), false, "the focus shows the card");
  await within(page, `${name}: Enter`, () => page.key("Enter"));
  assert.equal(
    await page.evaluate("document.activeElement.getAttribute('aria-expanded')"),
    "true",
    "Enter opens a row and keeps the focus",
  );
  await page.key("Escape");
  await page.painted();
  assert.equal(await hidden(page, "#card"), true);
  await quiet(page, name);
  await page.close();
}

/** The search finds by name and goes there. */
async function search(name, word) {
  const page = await opened(name, { width: 1366, height: 860 });
  await page.key("/");
  await page.type(word.slice(0, -1));
  await within(page, `${name}: a letter of a search`, () => page.type(word.at(-1)));
  const found = await page.evaluate("[...document.querySelectorAll('#found button')].map((each) => each.textContent)");
  assert.ok(
    found.length > 0 && found.some((each) => each.toLowerCase().includes(word)),
    `${name}: ${word} finds ${found}`,
  );
  await page.shot(join(shots, `${name}-search.png`));
  await page.evaluate(
    "[...document.querySelectorAll('#found li')].find((each) => each.textContent.endsWith('primitive')).querySelector('button').id = 'chosen'",
  );
  await within(page, `${name}: going there`, () => page.click("#chosen"));
  assert.equal(await page.evaluate("document.querySelector('main').className"), "graph");
  assert.equal(await count(page, "#graph .found"), 1, "what was found is marked");
  await within(page, `${name}: kernels of a search`, () => page.click('[data-view="kernels"]'));
  const left = await count(page, "#kernels tr.head");
  assert.ok(left > 0, "the table is narrowed");
  await page.evaluate("document.getElementById('search').select()");
  await page.click("#search");
  await page.evaluate("document.getElementById('search').select()");
  await page.type("no such name");
  await page.painted();
  assert.ok((await text(page, "#found")).includes("Nothing"), "what is not there is said");
  assert.equal(await count(page, "#kernels tr.head"), 0);
  await quiet(page, name);
  await page.close();
}

/** The kernels: order, what was fused, why not. */
async function kernels(name) {
  const page = await opened(name, { width: 1366, height: 860 });
  await page.click('[data-view="kernels"]');
  await within(page, `${name}: sorted`, () => page.click("#kernels th:nth-child(4) button"));
  const { batch, functions } = factsOf(name);
  const order = async () => {
    const shown = await page.evaluate(
      "[...document.querySelectorAll('#kernels tr.head')].map((row) => Number(row.dataset.kernel))",
    );
    return shown.map((kernel) => functions[0].program.kernels[kernel].flops).map(([row, fixed]) => row * batch + fixed);
  };
  const falls = await order();
  assert.ok(
    falls.length > 5 && falls.every((flops, at) => at === 0 || flops <= falls[at - 1]),
    `${name}: the dearest come first`,
  );
  await within(page, `${name}: a kernel opens`, () => page.click("#kernels tr.head"));
  const details = await text(page, "#kernels .details");
  for (const part of ["Fused into it", "It reads", "It stores", "why they are apart"])
    assert.ok(details.includes(part), details);
  assert.ok(
    /: (there, )?(it|the two|a kernel|one of|another|a parameter)/.test(details),
    `${name}: a reason stands there: ${details}`,
  );
  await page.shot(join(shots, `${name}-kernel.png`));
  await page.click("#kernels th:nth-child(4) button");
  await page.painted();
  const rises = await order();
  assert.ok(
    rises.length > 5 && rises.every((flops, at) => at === 0 || flops >= rises[at - 1]),
    `${name}: the order turns round`,
  );
  await within(page, `${name}: the end of the table`, () => page.evaluate("scrollTo(0, 1e9)"));
  await within(page, `${name}: hover on a dot`, () => page.hover("#roofline .point"));
  assert.ok((await text(page, "#card")).includes("intensity"));
  await quiet(page, name);
  await page.close();
}

/** The plan: rectangles, the peak, the bound. */
async function memory(name) {
  const page = await opened(name, { width: 1366, height: 860 });
  await page.click('[data-view="memory"]');
  await page.painted();
  assert.ok(
    (await count(page, "#plan .buffer")) > 0 &&
      (await count(page, "#plan .bound")) === 1 &&
      (await count(page, "#plan .peak")) === 1,
  );
  await within(page, `${name}: hover on a buffer`, () => page.hover("#plan .buffer"));
  const card = await text(page, "#card");
  for (const part of ["bytes", "offset", "from", "to", "at the peak"]) assert.ok(card.includes(part), card);
  assert.ok(/live$/.test(await text(page, "#at")), "the step under the pointer is said");
  await within(page, `${name}: wider`, () => page.click('[aria-label="wider"]'));
  await quiet(page, name);
  await page.close();
}

const factsOf = (name) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));

/** A file for a network, with times that the ceilings allow. */
function profileOf(name) {
  const facts = factsOf(name);
  const [gflops, gbs, rows] = [80, 12, facts.batch];
  const lines = [
    "kiln-profile\t1",
    `network\t${facts.name}`,
    "isa\tavx2",
    "threads\t1",
    `rows\t${rows}`,
    "steps\t50",
    `fma_gflops\t${gflops}`,
    `memory_gbs\t${gbs}`,
  ];
  const step = facts.functions[0];
  step.program.kernels.forEach((kernel, index) => {
    const [flops, bytes] = [kernel.flops, kernel.bytes].map(([row, fixed]) => row * rows + fixed);
    lines.push(
      `kernel\t${step.name}\t${index}\t${kernel.name}\t${Math.max(flops / gflops, bytes / gbs) * (1.2 + (index % 7) / 4) + 150}`,
    );
  });
  return `${lines.join("\n")}\n`;
}

/** A profile is loaded in the page; one that is wrong is refused in words. */
async function profile(name) {
  const page = await opened(name, { width: 1366, height: 860 });
  const good = profileOf(name);
  const file = (label, content) => {
    const path = join(folder, `${name}-${label}.tsv`);
    writeFileSync(path, content);
    return resolve(path);
  };
  for (const [label, content, expected] of [
    ["other", "something else\n", "This is no profile"],
    ["broken", good.replace(/\t[^\t]*\n$/, "\tsoon\n"), "can't be read"],
    ["foreign", good.replace(/network\t.*/, "network\tOther"), "is of the network Other"],
    ["old", good.replace(/kernel\t(\w+)\t0\t\w+/, "kernel\t$1\t0\tnever"), "another build"],
  ]) {
    await page.choose("#file", [file(label, content)]);
    await page.painted();
    assert.ok((await text(page, ".problem")).includes(expected), `${label}: ${await text(page, ".problem")}`);
  }
  await page.click(".problem button");
  assert.equal(await count(page, ".problem"), 0);
  await within(page, `${name}: a profile`, () => page.choose("#file", [file("good", good)]));
  await page.painted();
  assert.equal(await count(page, ".problem"), 0, await text(page, ".problem"));
  assert.ok((await text(page, "#kernels thead")).includes("of ceiling"), "measured times stand in the table");
  assert.ok((await count(page, "#roofline .point.measured")) > 0, "and in the roofline");
  assert.ok((await text(page, ".lead")).includes("measured by the profile"));
  await page.leave();
  await page.shot(join(shots, `${name}-profile.png`));
  await page.click('[data-view="overview"]');
  await page.painted();
  await quiet(page, name);
  await page.close();
}

/** Light and dark: as the system has it, and the other way. */
async function themes(name) {
  for (const dark of [false, true]) {
    const page = await opened(name, { width: 1366, height: 860, dark });
    const paper = () => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    const first = await paper();
    const bright = Number(first.match(/\d+/)[0]) > 128;
    assert.equal(bright, !dark, `${first} with dark ${dark}`);
    await page.click('[data-view="graph"]');
    await page.click("#open-all");
    await page.leave();
    await page.painted();
    if (dark) await page.shot(join(shots, `${name}-dark-graph.png`));
    await page.click('[data-view="memory"]');
    await page.leave();
    await page.painted();
    if (dark) await page.shot(join(shots, `${name}-dark-memory.png`));
    await page.click("#theme");
    assert.notEqual(await paper(), first, "the button turns it");
    await page.click("#theme");
    assert.equal(await paper(), first, "and back");
    await quiet(page, name);
    await page.close();
  }
}

/** A phone: every view fits, and a tap tells what a pointer would. */
async function phone(name) {
  const page = await opened(name, { width: 390, height: 844, phone: true });
  for (const view of VIEWS) {
    await within(page, `${name} on a phone: ${view}`, () => page.tap(`[data-view="${view}"]`));
    assert.equal(await page.evaluate("document.querySelector('main').className"), view);
    await page.evaluate("scrollTo(0, 0)");
    await page.painted();
    await page.shot(join(shots, `${name}-phone-${view}.png`));
    await quiet(page, `${name} on a phone, ${view}`);
  }
  await page.tap('[data-view="graph"]');
  await page.painted();
  await within(page, `${name} on a phone: a tap`, () => page.tap("#graph .cell"));
  assert.equal(await hidden(page, "#card"), false, "a tap shows the card");
  await page.shot(join(shots, `${name}-phone-tap.png`));
  await page.tap("#close-all");
  const title = await page.evaluate("[...document.querySelectorAll('#graph .title')][1].dataset.key");
  await within(page, `${name} on a phone: a row opens`, () => page.tap(`[data-key="${title}"]`));
  assert.equal(
    await page.evaluate(`document.querySelector('[data-key="${title}"]').getAttribute("aria-expanded")`),
    "true",
  );
  await page.shot(join(shots, `${name}-phone-open.png`));
  await quiet(page, `${name} on a phone`);
  await page.close();
}

/** The bodies of loops are parts of their own. */
async function loops(name) {
  const page = await opened(name, { width: 1366, height: 860 });
  await page.click('[data-view="memory"]');
  assert.ok((await count(page, ".chip")) >= 2, "a chip for each loop");
  for (const view of ["graph", "memory", "kernels"]) {
    await page.click(`[data-view="${view}"]`);
    await within(page, `${name}: the body of a loop`, () => page.click(".chip:nth-of-type(2)"));
    assert.ok((await text(page, "main")).length > 80);
    await page.leave();
    await page.shot(join(shots, `${name}-loop-${view}.png`));
  }
  await quiet(page, name);
  await page.close();
}

try {
  for (const name of NETWORKS) {
    const functions = await part(views, name);
    console.log(`${name}: every view of ${functions.join(", ")}`);
  }
  for (const name of NETWORKS) await part(graph, name);
  console.log("graphs open, close, tell and take the keyboard");
  await part(search, "MnistCnn", "conv2d");
  await part(search, "DeepTransformer", "batch_matmul");
  for (const name of ["MnistCnn", "DeepTransformer"]) await part(kernels, name);
  for (const name of ["MnistCnn", "DeepTransformer", "StackedLstm"]) await part(memory, name);
  console.log("search, kernels and plans answer");
  for (const name of ["MnistCnn", "DeepTransformer"]) await part(profile, name);
  console.log("profiles are read, and refused");
  await part(themes, "MnistCnn");
  for (const name of ["MnistCnn", "DeepTransformer"]) await part(phone, name);
  await part(loops, "StackedLstm");
  console.log("light and dark, a phone, loops");
  console.log(
    `${acts} acts, each answered within ${LIMIT} ms; the slowest in ${slowest.time.toFixed(0)} ms: ${slowest.what}`,
  );
} finally {
  await browser.stop();
}
