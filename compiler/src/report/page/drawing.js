// Elements of the page and of drawings.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

/** An element of the page. */
const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/** An element of a drawing. */
const s = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** A button. */
const button = (text, act, attributes = {}) => h("button", { type: "button", onclick: act, ...attributes }, text);

/** A box that is drawn once its width is known. */
function drawnTo(id, draw, most = 900) {
  const box = h("div", { class: "plan", id: id || null, tabindex: "-1" });
  requestAnimationFrame(
    () => box.isConnected && box.replaceChildren(...draw(Math.max(280, Math.min(most, box.clientWidth - 2)))),
  );
  return box;
}

/** A table; numbers stand right. Columns are `[title, class]`. */
function table(columns, rows, attributes = {}) {
  const head = columns.map(([title, kind]) => h("th", { class: kind, scope: "col" }, title));
  const body = rows.map((row) =>
    h(
      "tr",
      {},
      row.map((cell, at) => h("td", { class: columns[at][1] }, cell)),
    ),
  );
  return h(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": attributes.label ?? "table" },
    h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)),
  );
}
