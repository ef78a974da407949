"""What the scrubber of a page moves through: frames, masks, memories, and what happens when."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from vosbench.memory.trace import MemoryTrace
from vosbench.report.pages.encoding import label_runs, shown_size, shrink, webp
from vosbench.report.pictures.footage import Footage
from vosbench.report.pictures.overlay import COLOURS, CONTOURS
from vosbench.video import FrameRef

BUDGET = 5_500_000  # bytes of frames, masks and traces on a page; of a longer video not every frame is shown
_PROBES = 4  # frames by whose bytes it is judged what all would take


def pictures(
    footage: Footage, names: Sequence[str], traces: Mapping[str, MemoryTrace], wanted: Iterable[int]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Frames, masks and memories for the scripts of a page, and the files of the frames by name.

    `names` are those of all frames of the video, which indices count; `wanted` are indices of frames that are shown in
    any case. Raises VosbenchError if a picture cannot be read.
    """
    index = {name: place for place, name in enumerate(names)}
    there = {index[frame.name]: frame for frame in footage.frames}
    shown = _within_budget(footage, there, traces, wanted)
    truth: list[str | None] = []
    masks: dict[str, list[str]] = {label: [] for label in footage.masks}
    files = {}
    for place in shown:
        files[f"{place}.webp"] = webp(shrink(there[place].load()))
        true, predicted = _masks(footage, there[place].name)
        truth.append(true)
        for label, runs in predicted.items():
            masks[label].append(runs)
    return {
        "shown": shown,
        "names": [names[place] for place in shown],
        "size": shown_size(*footage.size),
        "colours": [[COLOURS[i].tolist(), CONTOURS[i].tolist()] for i in range(256)],
        "truth": truth,
        "masks": masks,
        "memory": {label: _memory(trace, shown) for label, trace in traces.items()},
        "events": events(footage, index),
    }, files


def _masks(footage: Footage, name: str) -> tuple[str | None, dict[str, str]]:
    """The truth of a frame, and the mask of every strategy."""
    true = footage.true_labels(name)
    predicted = {label: label_runs(shrink(footage.labels(label, name))) for label in footage.masks}
    return None if true is None else label_runs(shrink(true)), predicted


def _within_budget(
    footage: Footage, there: Mapping[int, FrameRef], traces: Mapping[str, MemoryTrace], wanted: Iterable[int]
) -> list[int]:
    """Indices of the frames to show: all, or as many as fit, evenly spread, and those that are `wanted`."""
    places = sorted(there)
    probes = [places[round(i)] for i in np.linspace(0, len(places) - 1, min(_PROBES, len(places)))]
    sizes = []
    for place in probes:
        true, predicted = _masks(footage, there[place].name)
        sizes.append(len(webp(shrink(there[place].load()))) + len(true or "") + sum(map(len, predicted.values())))
    memory = sum(4 / 3 * len(trace.changes) for trace in traces.values())
    step = max(1, int(np.ceil((float(np.mean(sizes)) * len(places) + memory) / BUDGET)))
    return sorted({*places[::step], *(place for place in wanted if place in there)})


def _memory(trace: MemoryTrace, shown: Sequence[int]) -> dict[str, Any]:
    return {
        "grid": trace.grid,
        "picture": [round(value, 4) for value in trace.picture],
        "changes": b64encode(trace.at(shown).changes).decode(),
        "written": trace.written(),
    }


def events(footage: Footage, index: Mapping[str, int]) -> list[dict[str, Any]]:
    """When each object appears, hides and returns, by the truth: frame, object and what happens."""
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    before: set[int] = set()
    for name in sorted(footage.truth.keys() & index.keys(), key=index.__getitem__):
        now = set(footage.truth[name].load().object_ids())
        for what, ids in (("hides", before - now), ("returns", (now - before) & seen), ("appears", now - seen)):
            found += [{"frame": index[name], "object": i, "what": what} for i in sorted(ids)]
        seen |= now
        before = now
    return found
