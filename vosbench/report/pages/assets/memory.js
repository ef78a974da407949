"use strict";
// What a strategy holds: which frames, how many tokens of each, and where in the picture.

// The trace of one strategy: a token is known by its number, frame * tokens per frame + position. `seek` goes to a
// frame that is shown, forth and back, by what came and went in between.
report.Memory = class {
  constructor(trace, frames, steps) {
    [this.rows, this.columns] = trace.grid;
    this.picture = trace.picture;
    this.written = trace.written;
    this.size = this.rows * this.columns;
    this.held = new Int16Array(frames * this.size);
    this.tokens = new Int32Array(frames); // of each frame
    this.heat = new Int32Array(this.size); // of each position, over all frames
    this.step = -1;
    this.changes = [];
    const numbers = report.numbers(report.bytes(trace.changes));
    let at = 0;
    for (let step = 0; step < steps; step++) {
      const pair = [];
      for (let kind = 0; kind < 2; kind++) {
        const end = at + 1 + 2 * numbers[at];
        pair.push(numbers.slice(at + 1, end));
        at = end;
      }
      this.changes.push(pair);
    }
  }

  seek(step) {
    for (; this.step < step; this.step++) {
      const [gone, come] = this.changes[this.step + 1];
      this.change(gone, -1);
      this.change(come, 1);
    }
    for (; this.step > step; this.step--) {
      const [gone, come] = this.changes[this.step];
      this.change(come, -1);
      this.change(gone, 1);
    }
  }

  change(runs, by) {
    let last = 0;
    for (let i = 0; i < runs.length; i += 2) {
      const first = last + runs[i];
      last = first + runs[i + 1] - 1;
      for (let token = first; token <= last; token++) {
        this.held[token] += by;
        this.tokens[Math.floor(token / this.size)] += by;
        this.heat[token % this.size] += by;
      }
    }
  }

  // [frame, tokens] of each frame that is held.
  frames() {
    return [...this.tokens.entries()].filter(([, tokens]) => tokens > 0);
  }

  // How often each position is held: over all frames, or of one.
  places(frame) {
    return frame === null ? this.heat : this.held.subarray(frame * this.size, (frame + 1) * this.size);
  }
};

// Draw how often each position is held, a pixel a token, on a canvas that covers the grid, padding and all. The picture
// below stays visible: a tint of at most 40% lies on what is held, a shadow on the rest.
report.drawPlaces = function (canvas, memory, frame) {
  const places = memory.places(frame);
  const most = Math.max(...places, 1);
  [canvas.width, canvas.height] = [memory.columns, memory.rows];
  const context = canvas.getContext("2d");
  const picture = context.createImageData(memory.columns, memory.rows);
  places.forEach((count, at) => {
    picture.data.set(count > 0 ? [255, 176, 0, 30 + Math.round((70 * count) / most)] : [0, 0, 0, 130], 4 * at);
  });
  context.putImageData(picture, 0, 0);
  const [left, top, width, height] = memory.picture;
  Object.assign(canvas.style, {
    left: `${(-100 * left) / width}%`,
    top: `${(-100 * top) / height}%`,
    width: `${(100 * memory.columns) / width}%`,
    height: `${(100 * memory.rows) / height}%`,
  });
};
