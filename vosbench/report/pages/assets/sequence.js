"use strict";
// The page of a sequence: the scrubber, the strategies that are shown, and what each of them sees and holds. DATA is
// that of data.js; where a run has no masks, there are curves alone.

const by = (id) => document.getElementById(id);
const SPEEDS = [1, 2, 5, 10, 25]; // frames per second
const SHOWN_AT_FIRST = 4;

const steps = DATA.shown ?? []; // the index of the frame of each step of the scrubber
const strategies = DATA.strategies.filter((one) => one.kind !== "failed");
const inVideo = DATA.objects.every((one) => one.in_video);
const state = {
  step: 0,
  frame: null,
  object: "",
  span: inVideo && DATA.frames > 1 ? () => [0, DATA.frames - 1] : undefined,
  shown: new Set(strategies.filter((one) => one.kind === "strategy").slice(0, SHOWN_AT_FIRST).map((one) => one.label)),
  events: DATA.events ?? [],
  written: Object.entries(DATA.memory ?? {}).map(([label, trace]) => [label, trace.written]),
  go: (frame) => go(nearest(frame)),
};

// Curves

const curves = {
  j: new report.Curve(by("curve-j"), "J", "", state),
  f: new report.Curve(by("curve-f"), "F", "", state),
  memory: new report.Curve(by("curve-memory"), "frames in memory", "", state),
  latency: new report.Curve(by("curve-latency"), "latency (ms)", "ms", state),
};

// The values of a measure against the frame: of one object, or the mean over those that are scored there.
function scores(measure) {
  const objects = DATA.objects.filter((one) => state.object === "" || String(one.id) === state.object);
  const places = [...new Set(objects.flatMap((one) => one.frames))].sort((a, b) => a - b);
  const labels = strategies.map((one) => one.label).filter((label) => objects.some((one) => one[measure][label]));
  return [places, labels.map((label) => [label, means(objects, measure, label, places)])];
}

const drawn = {}; // what `scores` gives, for the object that is chosen

function means(objects, measure, label, places) {
  const [sums, counts] = [new Map(), new Map()];
  for (const one of objects) {
    one.frames.forEach((frame, place) => {
      const value = one[measure][label]?.[place] ?? null;
      if (value === null) return;
      sums.set(frame, (sums.get(frame) ?? 0) + value);
      counts.set(frame, (counts.get(frame) ?? 0) + 1);
    });
  }
  return places.map((frame) => (counts.has(frame) ? Math.round((1000 * sums.get(frame)) / counts.get(frame)) / 1000 : null));
}

function drawCurves() {
  const whole = () => [0, 1.02];
  for (const measure of ["j", "f"]) curves[measure].draw(...(drawn[measure] = scores(measure)), whole);
  const every = [...Array(DATA.frames).keys()];
  const known = (name) => strategies.filter((one) => one[name].length > 0);
  const held = (one) => one.tokens.map((tokens) => Math.round((100 * tokens) / one.tokens_per_frame) / 100);
  const fromNought = (plot, low, high) => [0, 1.08 * high || 1];
  const stepped = uPlot.paths.stepped({ align: 1 });
  curves.memory.draw(every, known("tokens").map((one) => [one.label, held(one)]), fromNought, stepped);
  const latencies = known("latency").map((one) => one.latency);
  const [top, highest] = [report.top(latencies), Math.max(...latencies.flat())];
  curves.latency.call("latency (ms)" + (highest > top ? `; up to ${Math.round(highest)} ms, beyond the axis` : ""));
  const upToTop = (plot, low, high) => [0, 1.08 * Math.min(high, top) || 1];
  curves.latency.draw(every, known("latency").map((one) => [one.label, one.latency]), upToTop);
}

// Pictures

const rows = new Map();

function scoreAt(label, frame) {
  const [j, f] = ["j", "f"].map((measure) => {
    const [places, lines] = drawn[measure];
    const line = lines.find(([one]) => one === label);
    return line?.[1][places.indexOf(frame)] ?? null;
  });
  const told = [["J", j], ["F", f]].filter(([, value]) => value !== null);
  return told.map(([name, value]) => `${name} ${(100 * value).toFixed(1)}`).join("  ");
}

function drawPictures() {
  const picture = pictureOf(state.step);
  by("viewer").querySelectorAll(".base img").forEach((image) => (image.src = picture));
  const truth = labelsOf(DATA.truth, state.step);
  report.drawMask(base.truth.canvas, truth, DATA.size, DATA.colours);
  base.truth.caption.textContent = truth ? TRUTH : "this frame has no truth";
  for (const [label, row] of rows) {
    row.element.hidden = !state.shown.has(label);
    if (!row.element.hidden && row.near) drawRow(row);
  }
}

function drawRow(row) {
  row.draw(state.step, pictureOf(state.step), by("reference").value, scoreAt(row.label, state.frame));
}

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = rows.get(target.dataset.label);
      if (isIntersecting && !row.near) drawRow(row);
      row.near = isIntersecting;
    }
  },
  { rootMargin: "300px" },
);

const base = {};

// The scrubber

function nearest(frame) {
  const away = steps.map((one) => Math.abs(one - frame));
  return away.indexOf(Math.min(...away));
}

function go(step) {
  if (steps.length === 0) return;
  state.step = Math.max(0, Math.min(steps.length - 1, step));
  state.frame = steps[state.step];
  by("frame").value = state.step;
  by("where").textContent = `frame ${state.frame} of 0 to ${DATA.frames - 1} (${DATA.names[state.step]})`;
  drawPictures();
  Object.values(curves).forEach((curve) => curve.redraw());
  const object = state.object === "" ? "" : `&object=${state.object}`;
  history.replaceState(null, "", `#frame=${state.frame}${object}`);
  if (state.step + 1 < steps.length) new Image().src = pictureOf(state.step + 1);
}

let timer = null;

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => go((state.step + 1) % steps.length), 1000 / Number(by("speed").value)) : null;
  by("play").textContent = on ? "pause" : "play";
}

function faster(more) {
  const speed = by("speed");
  speed.selectedIndex = Math.max(0, Math.min(SPEEDS.length - 1, speed.selectedIndex + more));
  if (timer !== null) play(true);
}

function jump(direction) {
  const ahead = state.events.filter((one) => Math.sign(one.frame - state.frame) === direction).map((one) => one.frame);
  if (ahead.length > 0) state.go(direction > 0 ? Math.min(...ahead) : Math.max(...ahead));
}

const KEYS = {
  ArrowLeft: (shift) => go(state.step - (shift ? 10 : 1)),
  ArrowRight: (shift) => go(state.step + (shift ? 10 : 1)),
  Home: () => go(0),
  End: () => go(steps.length - 1),
  " ": () => play(timer === null),
  "+": () => faster(1),
  "=": () => faster(1), // the same key without shift
  "-": () => faster(-1),
  n: () => jump(1),
  p: () => jump(-1),
};

function press(key) {
  const name = key.key.length === 1 ? key.key.toLowerCase() : key.key;
  const own = key.target.closest("select") || (name === " " && key.target.closest("button, input[type=checkbox]"));
  if (!(name in KEYS) || key.ctrlKey || key.metaKey || key.altKey || own) return; // a control keeps its own keys
  key.preventDefault();
  KEYS[name](key.shiftKey);
}

// A control that was used with a mouse does not keep the keys: after it, space plays and arrows move again.
let pointing = false;

function release(event) {
  if (pointing && (event.type === "change") === event.target.matches("select")) document.activeElement.blur();
}

function listen() {
  document.addEventListener("pointerdown", () => (pointing = true), true);
  document.addEventListener("keydown", () => (pointing = false), true);
  document.addEventListener("click", release);
  document.addEventListener("change", release);
  document.addEventListener("keydown", press);
}

// The page

function chips() {
  for (const one of DATA.strategies) {
    const box = report.make("input", { type: "checkbox", checked: state.shown.has(one.label), disabled: one.kind === "failed" });
    box.addEventListener("change", () => {
      if (box.checked) state.shown.add(one.label);
      else state.shown.delete(one.label);
      Object.values(curves).forEach((curve) => curve.show());
      if (steps.length > 0) drawPictures();
    });
    const chip = report.make("label", {}, box, swatch(one.label), report.titleOf(one.label));
    if (one.failure) chip.append(` (failed: ${one.failure})`);
    by("strategies").append(chip);
  }
}

function listEvents() {
  for (const one of state.events) {
    const text = `${MARKS[one.what]} object ${one.object} ${one.what} in frame ${one.frame}`;
    const button = report.make("button", { type: "button", textContent: text });
    button.addEventListener("click", () => state.go(one.frame));
    by("events").append(button);
  }
}

const LEGEND = { missed: "missed", invented: "beside the object", confused: "another object", right: "right" };

function legend() {
  const line = (words, marks) => report.make("p", {}, words, ...marks);
  const mark = (text, give) => {
    const colour = report.make("i");
    give(colour);
    return report.make("span", {}, colour, text);
  };
  const objects = [...new Set(DATA.events.map((one) => one.object))].sort((a, b) => a - b);
  const tints = objects.map((id) => mark(id, (i) => (i.style.background = `rgb(${DATA.colours[id][0]})`)));
  const kinds = Object.entries(LEGEND).map(([kind, text]) => mark(text, (i) => (i.className = kind)));
  const marks = Object.entries(MARKS).map(([what, sign]) => report.make("span", {}, `${sign} ${what}`));
  if (state.written.length > 0) marks.push(report.make("span", {}, "ticks below: frames that are written"));
  const held = mark("held, the fuller the more often", (i) => (i.className = "kept"));
  const lines = [line("Objects: ", tints), line("Curves: ", marks), line("Difference: ", kinds), line("Memory: ", [held])];
  return report.make("div", { className: "legend" }, ...(objects.length > 0 ? lines : lines.slice(1)));
}

function begin() {
  const asked = new URLSearchParams(location.hash.slice(1));
  by("object").append(new Option("all, the mean", ""), ...DATA.objects.map((one) => new Option(one.id, one.id)));
  if (DATA.objects.some((one) => String(one.id) === asked.get("object"))) state.object = asked.get("object");
  by("object").value = state.object;
  by("object").addEventListener("change", () => {
    state.object = by("object").value;
    drawCurves();
    go(state.step);
  });
  chips();
  if (steps.length > 0) {
    listEvents();
    by("reference").append(new Option(TRUTH, TRUTH), ...Object.keys(DATA.masks).map((label) => new Option(report.titleOf(label), label)));
    by("speed").append(...SPEEDS.map((speed) => new Option(`${speed} a second`, speed)));
    by("speed").value = 10;
    base.frame = tile("frame");
    base.truth = tile("truth");
    by("viewer").append(report.make("section", { className: "base" }, base.frame.element, base.truth.element, legend()));
    for (const label of Object.keys(DATA.masks)) {
      rows.set(label, new report.Row(label, DATA.memory[label], state));
      by("viewer").append(rows.get(label).element);
      watcher.observe(rows.get(label).element);
    }
    by("frame").max = steps.length - 1;
    by("frame").addEventListener("input", () => go(Number(by("frame").value)));
    by("back").addEventListener("click", () => go(state.step - 1));
    by("forth").addEventListener("click", () => go(state.step + 1));
    by("play").addEventListener("click", () => play(timer === null));
    by("speed").addEventListener("change", () => faster(0));
    by("reference").addEventListener("change", () => drawPictures());
    listen();
    by("scrubber").hidden = by("keys").hidden = false;
  }
  drawCurves();
  if (steps.length > 0) state.go(Number(asked.get("frame") ?? 0));
  window.addEventListener("beforeprint", () => rows.forEach((row) => row.element.hidden || drawRow(row)));
  window.addEventListener("resize", () => Object.values(curves).forEach((curve) => curve.resize()));
  window.addEventListener("hashchange", () => location.reload());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCurves);
}

begin();
