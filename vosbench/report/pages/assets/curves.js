"use strict";
// Curves against the frame index, drawn by uPlot: a line for each strategy, events, frames that were written, and the
// frame that the scrubber is at.

const MARKS = { appears: "▲", hides: "▽", returns: "△" };

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Where an axis of times ends: at the highest of `lines`, or, where few frames are far slower than all others, as the
// first one often is, at the 99th percentile of those after the first.
report.top = function (lines) {
  const rest = lines.flatMap((line) => (line.length > 1 ? line.slice(1) : line)).sort((a, b) => a - b);
  const [usual, highest] = [rest[Math.ceil(0.99 * rest.length) - 1], Math.max(...lines.flat())];
  return highest > 1.5 * usual ? usual : highest;
};

// `lines` are [label, values at `places`]; `state` is that of the page: the frame, the object ("": all), the strategies
// that are shown, events, frames written, `go(frame)`, and the span of all curves where they stand against one index.
report.Curve = class {
  constructor(figure, title, unit, state) {
    [this.figure, this.title, this.unit, this.state] = [figure, title, unit, state];
    this.caption = report.make("figcaption", { textContent: title });
    figure.append(this.caption);
  }

  call(title) {
    this.title = this.caption.textContent = title;
  }

  draw(places, lines, range, paths) {
    if (this.plot) this.plot.destroy();
    this.plot = null;
    this.figure.hidden = lines.length === 0;
    if (lines.length === 0) return;
    this.lines = lines;
    const axis = {
      stroke: style("--ink"),
      grid: { stroke: style("--line"), width: 1 },
      ticks: { stroke: style("--line"), width: 1 },
      font: "11px system-ui, sans-serif",
    };
    const series = lines.map(([label]) => {
      const [colour, dash] = DATA.looks[label];
      const stroke = report.colour(colour);
      const how = { width: 1.4, spanGaps: true, points: { show: false }, paths, show: this.state.shown.has(label) };
      return { label, stroke, dash: dash.map((part) => 1.5 * part), ...how };
    });
    const options = {
      width: this.figure.clientWidth || 400,
      height: 170,
      legend: { show: false },
      scales: { x: { time: false, range: this.state.span }, y: { range } },
      axes: [
        { ...axis, size: 26 },
        { ...axis, size: 44 },
      ],
      series: [{}, ...series],
      focus: { alpha: 0.25 },
      cursor: { focus: { prox: 14 }, sync: { key: "frame" }, drag: { x: false, y: false } },
      hooks: {
        draw: [(plot) => this.mark(plot)],
        setCursor: [(plot) => this.tell(plot)],
        setSeries: [(plot, index) => this.tell(plot, index)],
      },
    };
    this.plot = new uPlot(options, [places, ...lines.map(([, values]) => values)], this.figure);
    this.plot.over.addEventListener("click", () => {
      const index = this.plot.cursor.idx;
      if (index !== null) this.state.go(this.plot.data[0][index]);
    });
  }

  // Only the lines of the strategies that are chosen.
  show() {
    if (!this.plot) return;
    this.plot.batch(() => {
      this.lines.forEach(([label], place) => this.plot.setSeries(place + 1, { show: this.state.shown.has(label) }));
    });
  }

  redraw() {
    if (this.plot) this.plot.redraw(false);
  }

  resize() {
    if (this.plot) this.plot.setSize({ width: this.figure.clientWidth, height: 170 });
  }

  tell(plot, focused) {
    if (focused !== undefined) this.focused = focused;
    const [index, line] = [plot.cursor.idx, this.focused ? this.lines[this.focused - 1] : null];
    const value = line && index !== null && index !== undefined ? line[1][index] : null;
    const at = line && value !== null && value !== undefined ? `: ${report.titleOf(line[0])}, frame ${plot.data[0][index]}, ${value}` : "";
    this.caption.textContent = this.title + at + (at && this.unit ? ` ${this.unit}` : "");
  }

  mark(plot) {
    const { ctx, bbox } = plot;
    const x = (frame) => Math.round(plot.valToPos(frame, "x", true));
    const inside = (at) => at >= bbox.left && at <= bbox.left + bbox.width;
    const line = (at, colour, dash, width) => {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width * devicePixelRatio;
      ctx.setLineDash(dash);
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
    };
    ctx.save();
    ctx.textAlign = "center";
    ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
    for (const event of this.state.events) {
      if (this.state.object !== "" && this.state.object !== String(event.object)) continue;
      if (!inside(x(event.frame))) continue;
      line(x(event.frame), style("--faint"), [2, 3], 1);
      ctx.fillStyle = style("--ink");
      ctx.fillText(MARKS[event.what], x(event.frame), bbox.top + 9 * devicePixelRatio);
    }
    let row = 0;
    for (const [label, frames] of this.state.written) {
      if (!this.state.shown.has(label) || row === 8) continue;
      ctx.fillStyle = report.colour(DATA.looks[label][0]);
      const top = bbox.top + bbox.height - (row + 1) * 4 * devicePixelRatio;
      for (const frame of frames) ctx.fillRect(x(frame) - devicePixelRatio, top, 2 * devicePixelRatio, 3 * devicePixelRatio);
      row++;
    }
    if (this.state.frame !== null && inside(x(this.state.frame))) line(x(this.state.frame), style("--accent"), [], 1.5);
    ctx.restore();
  }
};
