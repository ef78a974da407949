"use strict";
// The pictures of a step of the scrubber: a tile is a frame with a canvas over it, a row is what there is to see of one
// strategy: its mask, the difference to another one, and the places that its memory holds.

const TRUTH = "truth";

const labelsOf = (masks, step) => (masks?.[step] ? report.labels(masks[step], DATA.size[0] * DATA.size[1]) : null);
const pictureOf = (step) => `${DATA.folder}/${DATA.shown[step]}.webp`;
// A piece of the curve of a strategy: its colour and its dash.
const swatch = (label) => {
  const [colour, dash] = DATA.looks[label];
  const [mark, line] = ["svg", "line"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  const how = { x1: 0, y1: 5, x2: 34, y2: 5, stroke: report.colour(colour), "stroke-width": 2.5 };
  how["stroke-dasharray"] = dash.map((part) => 1.5 * part).join(" ");
  for (const [name, value] of Object.entries(how)) line.setAttribute(name, value);
  mark.setAttribute("class", "key");
  mark.append(line);
  return mark;
};

function tile(title) {
  const [frame, canvas] = [report.make("img", { alt: "" }), report.make("canvas")];
  const caption = report.make("figcaption", { textContent: title });
  const element = report.make("figure", { className: "tile" }, report.make("div", { className: "picture" }, frame, canvas), caption);
  element.firstChild.style.aspectRatio = `${DATA.size[1]} / ${DATA.size[0]}`;
  return { element, frame, canvas, caption };
}

report.Row = class {
  // `state` is that of the page; `trace`, of its memory, may be undefined.
  constructor(label, trace, state) {
    [this.label, this.trace, this.state] = [label, trace, state];
    this.mask = tile("mask");
    this.difference = tile(`difference to ${TRUTH}`);
    this.title = report.make("h3", {}, swatch(label), report.titleOf(label), report.make("span", { className: "score" }));
    this.element = report.make("section", { className: "row" }, this.title, this.mask.element, this.difference.element);
    this.element.dataset.label = label;
    this.near = false; // to what the reader sees: only then is it drawn
    if (trace) {
      this.source = null; // the frame of which the places are shown; null: of all
      this.places = tile("");
      this.list = report.make("div", { className: "held" });
      this.places.element.append(this.list);
      this.element.append(this.places.element);
    }
  }

  draw(step, picture, reference, score) {
    const labels = labelsOf(DATA.masks[this.label], step);
    this.mask.frame.src = this.difference.frame.src = picture;
    report.drawMask(this.mask.canvas, labels, DATA.size, DATA.colours);
    const other = labelsOf(reference === TRUTH ? DATA.truth : DATA.masks[reference], step);
    report.drawDifference(this.difference.canvas, labels, other, DATA.size);
    const named = report.titleOf(reference);
    this.difference.caption.textContent = other ? `difference to ${named}` : `${named} has no mask of this frame`;
    this.title.lastChild.textContent = score;
    this.element.dataset.step = step;
    if (this.trace) this.drawMemory(step, picture);
  }

  // Read when it is first shown: a page has many.
  get memory() {
    return (this.read ??= new report.Memory(this.trace, DATA.frames, DATA.shown.length));
  }

  drawMemory(step, picture) {
    const { memory } = this;
    memory.seek(step);
    const frames = memory.frames();
    if (this.source !== null && !memory.tokens[this.source]) this.source = null;
    const shown = this.source === null ? -1 : DATA.shown.indexOf(this.source);
    this.places.frame.src = shown < 0 ? picture : pictureOf(shown);
    report.drawPlaces(this.places.canvas, memory, this.source);
    const all = frames.reduce((sum, [, tokens]) => sum + tokens, 0);
    const whose = this.source === null ? `places held, of all frames` : `places held of frame ${this.source}`;
    this.places.caption.textContent = `memory: ${frames.length} frame${frames.length === 1 ? "" : "s"}, ${all} tokens; ${whose}`;
    this.list.replaceChildren(...frames.map(([frame, tokens]) => this.chip(frame, tokens)));
  }

  chip(frame, tokens) {
    const chip = report.make("button", { type: "button", textContent: `${frame}: ${tokens}` });
    chip.title = `frame ${frame}: ${tokens} of ${this.memory.size} tokens; click to see where`;
    chip.style.setProperty("--share", `${Math.min(100, (100 * tokens) / this.memory.size)}%`);
    Object.assign(chip.dataset, { frame, tokens });
    chip.setAttribute("aria-pressed", this.source === frame);
    chip.addEventListener("click", () => {
      this.source = this.source === frame ? null : frame;
      this.drawMemory(this.state.step, pictureOf(this.state.step));
    });
    return chip;
  }
};
