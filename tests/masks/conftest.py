"""Masks of two small sequences, and their truth."""

import numpy as np
import pytest

from vosbench.datasets.folder import Folder
from vosbench.images import write_labels


class Clips(Folder):
    """A folder under the rules of DAVIS 2017."""

    default_protocol = "davis2017"


@pytest.fixture
def pair(tmp_path):
    """Two sequences of five frames, two objects in one and one in the other, and a prediction one pixel off."""
    for sequence, objects in (("ant", 2), ("bee", 1)):
        for frame in range(5):
            labels = np.zeros((20, 30), np.uint8)
            for object_id in range(1, objects + 1):
                labels[3 + frame : 8 + frame, 10 * object_id - 5 : 10 * object_id] = object_id
            for folder, mask in (("truth/Annotations", labels), ("masks", np.roll(labels, 1, axis=1))):
                path = tmp_path / folder / sequence / f"{frame:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_labels(path, mask)
    return Clips(tmp_path / "truth"), tmp_path / "masks"


@pytest.fixture
def spread_out(monkeypatch):
    """Every frame a task, and no number of tasks too small for several processes."""
    monkeypatch.setattr("vosbench.masks.score.FRAMES_PER_TASK", 1)
    monkeypatch.setattr("vosbench.base.processes.WORTHWHILE", 1)
