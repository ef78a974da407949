"use strict";
// Label maps: read from runs of equal pixels, and drawn on a canvas that lies over the frame.

report.bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

// Whole numbers, seven bits a byte, the lowest first; the top bit says that it goes on (LEB128).
report.numbers = function (bytes) {
  const found = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      found.push(value);
      value = 0;
      scale = 1;
    }
  }
  return found;
};

// The label of every pixel, row by row: pairs of a length and a label.
report.labels = function (base64, count) {
  const labels = new Uint8Array(count);
  const runs = report.numbers(report.bytes(base64));
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    labels.fill(runs[i + 1], at, at + runs[i]);
    at += runs[i];
  }
  return labels;
};

// A colour as a canvas has it in memory, in one number.
const packed = ([red, green, blue], alpha) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;

const VOID = 255;
const OPACITY = 128;
const UNKNOWN = packed([150, 150, 150], OPACITY);
const RIGHT = packed([150, 150, 150], 70);
const MISSED = packed([86, 180, 233], 210); // of the colours of Okabe and Ito
const INVENTED = packed([213, 94, 0], 210);
const CONFUSED = packed([240, 228, 66], 210);

function paint(canvas, [height, width], colourOf) {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const pixels = new Uint32Array(picture.data.buffer);
  for (let at = 0; at < pixels.length; at++) pixels[at] = colourOf(at);
  context.putImageData(picture, 0, 0);
}

// Objects in the colours of the palette, with brighter contours; "unknown" is grey. Nothing where there is no mask.
report.drawMask = function (canvas, labels, size, colours) {
  if (!labels) return paint(canvas, [1, 1], () => 0);
  const width = size[1];
  const inner = colours.map(([colour], label) => (label === VOID ? UNKNOWN : label && packed(colour, OPACITY)));
  const contour = colours.map(([, colour], label) => (label === VOID ? UNKNOWN : packed(colour, 255)));
  paint(canvas, size, (at) => {
    const label = labels[at];
    if (label === 0) return 0;
    const x = at % width;
    const isInner =
      (x === 0 || labels[at - 1] === label) &&
      (x === width - 1 || labels[at + 1] === label) &&
      (at < width || labels[at - width] === label) &&
      (at >= labels.length - width || labels[at + width] === label);
    return isInner ? inner[label] : contour[label];
  });
};

// What a mask lacks of another, what it has beside it, and what it takes for another object; nothing without another.
report.drawDifference = function (canvas, labels, reference, size) {
  if (!reference) return paint(canvas, [1, 1], () => 0);
  paint(canvas, size, (at) => {
    const [own, wanted] = [labels[at], reference[at]];
    if (wanted === VOID || own + wanted === 0) return 0;
    if (own === wanted) return RIGHT;
    return own === 0 ? MISSED : wanted === 0 ? INVENTED : CONFUSED;
  });
};
