// The memory plan: where each value lies, against the kernels during which it lives.

const plan = { zoom: 1 };

const phaseOf = (program, buffer) => {
  const value = buffer.values[0];
  return value === undefined ? "forward" : program.nodes[value].phase;
};

function memoryView() {
  const program = current();
  const { memory, kernels } = program;
  const part = currentPart();
  if (!memory.buffers.length)
    return [h("p", { class: "lead" }, "Nothing is stored between the kernels here: the arena is empty.")];
  const over = memory.bound ? memory.arena / memory.bound : 1;
  const what = part.top ? "a call" : "a step of this loop";
  const box = h("div", { class: "plan", id: "plan", tabindex: "-1" });
  const redraw = () => box.replaceChildren(planDrawing(program, box.clientWidth || 900));
  const zoom = (by) => {
    plan.zoom = Math.max(1, Math.min(32, plan.zoom * by));
    redraw();
  };
  requestAnimationFrame(redraw);
  return [
    h(
      "p",
      { class: "lead" },
      `What ${what} of ${plural(facts.batch, "row")} stores lies in one arena of `,
      h("b", {}, bytesText(memory.arena)),
      ` (${grouped(memory.arena)} bytes). At most ${bytesText(memory.bound)} live at once, which no plan can go below: this one is at `,
      h("b", {}, `${over.toFixed(3)} ×`),
      " that bound. Time runs from left to right, kernel by kernel; a rectangle is a part of the arena for as long as it is taken.",
    ),
    h(
      "div",
      { class: "bar" },
      button("−", () => zoom(0.5), { "aria-label": "narrower" }),
      button("+", () => zoom(2), { "aria-label": "wider" }),
      h(
        "span",
        { class: "soft", id: "at" },
        `${plural(memory.buffers.length, "buffer")}, ${plural(kernels.length, "kernel")}`,
      ),
      h(
        "span",
        { class: "legend" },
        PHASES.filter((phase) => memory.buffers.some((each) => phaseOf(program, each) === phase)).map((phase) =>
          h("span", {}, h("i", { class: `dot ${phase}` }), phase),
        ),
      ),
    ),
    box,
    h("h2", {}, "What lives at the peak"),
    peakTable(program),
  ];
}

/** Bytes that live during each kernel, and after the last. */
function liveBytes({ memory, kernels }) {
  const change = new Array(kernels.length + 3).fill(0);
  for (const buffer of memory.buffers) {
    change[buffer.from] += buffer.size;
    change[Math.min(buffer.to, kernels.length + 1)] -= buffer.size;
  }
  let live = 0;
  return change.slice(0, kernels.length + 1).map((by) => (live += by));
}

function planDrawing(program, room) {
  const { memory, kernels } = program;
  const steps = kernels.length + 1;
  const narrow = room < 640;
  const left = narrow ? 60 : 66;
  const width = Math.max(room - 2, 300) * plan.zoom;
  const [top, height, gap, strip] = [22, narrow ? 330 : 430, 50, 74];
  const across = (width - left - 12) / steps;
  const x = (step) => left + step * across;
  const y = (byte) => top + height - (byte / memory.arena) * height;
  const live = liveBytes(program);
  const peak = live[memory.peak] || 1;
  const drawing = s("svg", {
    width,
    height: top + height + gap + strip + 24,
    role: "group",
    "aria-label": "memory plan",
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * memory.arena);
  for (const tick of ticks) {
    drawing.append(
      s("line", { x1: left, x2: width - 12, y1: y(tick), y2: y(tick), class: "rule" }),
      s("text", { x: left - 6, y: y(tick) + 4, class: "axis", "text-anchor": "end" }, bytesText(Math.round(tick))),
    );
  }
  drawing.append(
    s("rect", { x: x(memory.peak), y: top, width: Math.max(across, 2), height: height + gap + strip, class: "peak" }),
  );
  for (const [index, buffer] of memory.buffers.entries()) {
    const end = Math.min(buffer.to, steps);
    const [w, tall] = [
      Math.max((end - buffer.from) * across, 1),
      Math.max((buffer.size / memory.arena) * height, 0.75),
    ];
    const [bx, by] = [x(buffer.from), y(buffer.offset + buffer.size)];
    const hit = matches(buffer.name, ...buffer.values.map((value) => program.nodes[value].name));
    const size = Math.min(11.5, tall * 0.8);
    const type = program.nodes[buffer.values[0]]?.type ?? "";
    const label = tall >= 9 && w > 34 ? fitted(`${buffer.name} ${type}`, w - 8, size) : "";
    // A name that has no place beside itself may have one from top to bottom.
    const upright = !label && w >= 10 && tall > 46 ? fitted(buffer.name, tall - 8, 10.5) : "";
    drawing.append(
      s(
        "g",
        {
          class: `buffer ${phaseOf(program, buffer)} ${tall < 5 ? "thin" : ""} ${hit ? "hit" : ""}`,
          "data-card": `b${index}`,
          "data-key": `b${index}`,
          tabindex: 0,
        },
        s("rect", { x: bx, y: by, width: w, height: tall, rx: Math.min(3, tall / 4, w / 4) }),
        label && s("text", { x: bx + 4, y: by + tall / 2 + size * 0.36, "font-size": size }, label),
        upright &&
          s(
            "text",
            { transform: `translate(${bx + w / 2 + 4} ${by + tall - 4}) rotate(-90)`, "font-size": 10.5 },
            upright,
          ),
      ),
    );
  }
  drawing.append(
    s("path", {
      d: `M${x(memory.peak)} ${top}V${height + top}M${x(memory.peak) + Math.max(across, 2)} ${top}V${height + top}`,
      class: "peakline",
    }),
  );
  const bound = y(memory.bound);
  const exact = memory.bound === memory.arena;
  drawing.append(
    s("line", { x1: left, x2: width - 12, y1: bound, y2: bound, class: "bound" }),
    s(
      "text",
      { x: width - 14, y: bound - 6, class: "boundname", "text-anchor": "end" },
      exact ? `arena = lower bound, ${bytesText(memory.bound)}` : `lower bound ${bytesText(memory.bound)}`,
    ),
  );
  // How much lives when.
  const base = top + height + gap + strip;
  const area = live.map((bytes, step) => `L${x(step)} ${base - (bytes / peak) * strip}H${x(step + 1)}`).join("");
  drawing.append(
    s("path", { d: `M${left} ${base}${area}V${base}Z`, class: "live" }),
    s("text", { x: left, y: base - strip - 8, class: "axis" }, "bytes that live"),
    s("line", { x1: left, x2: width - 12, y1: base, y2: base, class: "rule" }),
  );
  const onRight = x(memory.peak) > width * 0.6;
  drawing.append(
    s(
      "text",
      {
        x: x(memory.peak) + (onRight ? -6 : across + 6),
        y: base - strip - 24,
        class: "peakname",
        "text-anchor": onRight ? "end" : "start",
      },
      fitted(
        `peak ${bytesText(peak)} in ${memory.peak} ${kernels[memory.peak]?.name ?? "the end"}`,
        onRight ? x(memory.peak) - left - 6 : width - x(memory.peak) - across - 18,
        12.5,
      ),
    ),
  );
  const every = Math.max(1, Math.ceil(steps / Math.max(4, Math.floor(width / 60))));
  for (let step = 0; step < steps; step += every) {
    drawing.append(s("text", { x: x(step) + across / 2, y: base + 16, class: "axis", "text-anchor": "middle" }, step));
  }
  const readout = () => document.getElementById("at");
  drawing.addEventListener("pointermove", (event) => {
    const step = Math.floor((event.clientX - drawing.getBoundingClientRect().left - left) / across);
    if (step < 0 || step >= steps || !readout()) return;
    readout().textContent = `${step} ${kernels[step]?.name ?? "the end of the call"}: ${bytesText(live[step])} live`;
  });
  return drawing;
}

function peakTable(program) {
  const { memory, nodes } = program;
  const live = memory.buffers.filter((buffer) => buffer.from <= memory.peak && memory.peak < buffer.to);
  live.sort((a, b) => b.size - a.size);
  const most = 40;
  const list = live.slice(0, most).map((buffer) => {
    const node = nodes[buffer.values.at(-1)];
    return [
      h("span", {}, h("i", { class: `dot ${phaseOf(program, buffer)}` }), buffer.name),
      node?.type ?? "",
      bytesText(buffer.size),
      percent(buffer.size / memory.bound),
      node?.line ?? "",
    ];
  });
  return [
    table(
      [
        ["value", ""],
        ["shape", "code"],
        ["bytes", "number"],
        ["share", "number"],
        ["source", "code"],
      ],
      list,
      { label: "values at the peak" },
    ),
    live.length > most &&
      h(
        "p",
        { class: "soft" },
        `${live.length - most} more with ${bytesText(live.slice(most).reduce((all, each) => all + each.size, 0))}.`,
      ),
  ];
}
