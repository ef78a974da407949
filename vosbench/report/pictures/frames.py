"""Which frames of a sequence a strip shows: those that are named, or those where strategies disagree most."""

from collections.abc import Sequence

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.report.pictures.footage import Footage
from vosbench.report.pictures.overlay import errors


def named(footage: Footage, texts: Sequence[str]) -> list[int]:
    """The places of frames given by name, or else by index from 0 on, each once. Raises VosbenchError for another."""
    names = [frame.name for frame in footage.frames]
    found = []
    for text in filter(None, map(str.strip, texts)):
        if text in names:
            found.append(names.index(text))
        elif text.isdecimal() and int(text) < len(names):
            found.append(int(text))
        else:
            hint = f"frames are named {names[0]} to {names[-1]}, or counted from 0 to {len(names) - 1}"
            raise VosbenchError(f"sequence {footage.sequence} has no frame {text}", hint)
    if not found:
        raise VosbenchError("no frame is named", f"frames of {footage.sequence} are named {names[0]} to {names[-1]}")
    return list(dict.fromkeys(found))


def most_disputed(footage: Footage, number: int) -> list[int]:
    """So many frames, in order and apart, where strategies disagree most, or one is most wrong; best with truth."""
    every = range(len(footage.frames))
    with_truth = [place for place in every if footage.frames[place].name in footage.truth]
    candidates = with_truth if len(with_truth) >= number else [*every]
    dispute = {place: disputed(footage, place) for place in candidates}
    chosen: list[int] = []
    apart = len(candidates) / (2 * number)
    while len(chosen) < min(number, len(candidates)):
        free = [place for place in candidates if place not in chosen]
        distant = [place for place in free if all(abs(place - other) >= apart for other in chosen)]
        # Of equals the one in the middle of the largest gap, so that frames are spread where there is no dispute.
        chosen.append(max(distant or free, key=lambda place: (dispute[place], _distance(place, chosen, len(every)))))
    return sorted(chosen)


def disputed(footage: Footage, place: int) -> float:
    """The share of a frame's pixels on which not all strategies agree, but for edges; of one strategy its errors."""
    name = footage.frames[place].name
    maps = [footage.labels(strategy, name) for strategy in footage.masks]
    truth = footage.true_labels(name)
    if len(maps) == 1 and truth is not None:
        maps.append(truth)
    return float(np.mean(np.logical_or.reduce([errors(one, maps[0]) for one in maps])))


def _distance(place: int, chosen: Sequence[int], frames: int) -> int:
    return min((abs(place - other) for other in (-1, *chosen, frames)), default=0)
