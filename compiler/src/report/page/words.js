// Numbers and names as people read them.

const UNITS = [
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** `1.97 G` */
function si(number, digits = 3) {
  for (const [size, letter] of UNITS) {
    if (number >= size) return `${Number((number / size).toPrecision(digits))} ${letter}`;
  }
  return `${Number(number.toPrecision(digits))} `;
}

const flopsText = (number) => (number ? `${si(number)}FLOP` : "0 FLOP");

/** `2.64 MiB` */
function bytesText(count) {
  if (count < 1024) return `${count} B`;
  for (const [size, unit] of [
    [2 ** 30, "GiB"],
    [2 ** 20, "MiB"],
    [2 ** 10, "KiB"],
  ]) {
    if (count >= size) return `${Number((count / size).toPrecision(3))} ${unit}`;
  }
  return "";
}

/** `1.2 ms` */
function timeText(nanos) {
  for (const [size, unit] of [
    [1e9, "s"],
    [1e6, "ms"],
    [1e3, "µs"],
  ]) {
    if (nanos >= size) return `${Number((nanos / size).toPrecision(3))} ${unit}`;
  }
  return `${Number(nanos.toPrecision(3))} ns`;
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
const percent = (share) =>
  share > 0 && share < 0.0005 ? "< 0.1 %" : `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
const plural = (count, word) => `${grouped(count)} ${word}${count === 1 ? "" : "s"}`;

/** The text, or so much of it as fits into a width at a size of letters. */
function fitted(text, width, size) {
  const most = Math.floor(width / (size * 0.56));
  if (text.length <= most) return text;
  return most < 3 ? "" : `${text.slice(0, most - 1).trimEnd()}…`;
}
