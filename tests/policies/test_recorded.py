"""What every strategy keeps of a recorded video, slot by slot, stays what it is.

`data/recorded.json` holds the trace of a generated clip (occlusion=4, 28 frames, stcn-tiny at 48 pixels: 27 written
frames of 15 tokens, the first 8 channels of their keys, the masks of both objects at stride 16), and for each spec what
its slots hold after some frames: 100 * frame + position, or null where a slot is free. A strategy that is changed on
purpose gets new lists by `python tests/policies/test_recorded.py`, and its diff is to be read.
"""

import json
import sys
from pathlib import Path

import pytest
import torch

from vosbench.memory.spec import load_policy
from vosbench.memory.trial import TrialVideo, drive

FILE = Path(__file__).resolve().parents[1] / "data" / "recorded.json"
RECORDED = json.loads(FILE.read_text())
FRAMES = (13, 25)


def kept(spec: str) -> list[list[int | None]]:
    """What each slot holds after the frames above."""
    trace = TrialVideo(torch.tensor(RECORDED["keys"]), torch.tensor(RECORDED["soft"]), {0: 2}, "clip-00")
    found = []
    for now, bank in drive(load_policy(spec), trace, top_k=20):
        slots: list[int | None] = [None] * bank.extent
        for (frame, position), slot in zip(now.tokens, bank.by_age().tolist(), strict=True):
            slots[slot] = 100 * frame + position
        found.append(slots)
    return [found[frame] for frame in FRAMES]


@pytest.mark.parametrize("spec", RECORDED["kept"])
def test_kept_slots(spec):
    assert kept(spec) == RECORDED["kept"][spec]


if __name__ == "__main__":
    sys.path.insert(0, str(FILE.parents[1]))
    from plain_memory import RULES

    text = json.dumps(RECORDED | {"kept": {spec: kept(spec) for spec in RULES}}, separators=(",", ":"))
    FILE.write_text(text.replace('],"', '],\n"') + "\n")
