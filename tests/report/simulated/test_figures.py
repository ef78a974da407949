"""Figures of a simulation: attention kept against capacity, and pictures of a memory."""

import numpy as np
import pytest
from made_records import policy_of

from vosbench.errors import VosbenchError
from vosbench.report.drawing.capacity import sweeps
from vosbench.report.simulated.figures import contact_sheet, occupancy, retained_against_capacity


def lines(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


def test_retained_against_capacity():
    kept = {"lru:capacity=1": 0.2, "lru:capacity=2.5": 0.4, "first-only": 0.3, "offline": 0.5}
    curves = sweeps(policy_of(spec) for spec in (*kept, "lru"))  # lru failed
    (axes,) = retained_against_capacity(kept, curves, ["Conditions."]).axes
    assert lines(axes)["lru"] == ([1, 2.5], pytest.approx([20, 40]))
    assert lines(axes)["first-only"][1] == pytest.approx([30, 30])
    assert lines(axes)["offline (reference)"] == ([2], pytest.approx([50]))
    with pytest.raises(VosbenchError, match="no curve to draw"):
        retained_against_capacity({"lru:capacity=1": 0.2, "first-only": 0.3}, curves, [])


def test_occupancy():
    kept = np.zeros((6, 6), int)
    kept[0:, 0], kept[2:, 2] = 10, 10
    kept[4:, 0], kept[4:, 4] = 5, 10
    (axes,) = occupancy(kept, 10, ["lfu on ant"]).axes
    boxes = [band.get_paths()[0].get_extents() for band in axes.collections]
    assert [(box.x0, box.x1) for box in boxes] == [(0, 6), (2, 6), (4, 6)]
    assert [((box.y0 + box.y1) / 2, box.height) for box in boxes] == [
        (frame, pytest.approx(1.8)) for frame in (0, 2, 4)
    ]  # frames are 2 apart
    path = axes.collections[0].get_paths()[0]
    late = path.vertices[path.vertices[:, 0] > 4.5]
    assert np.ptp(late[:, 1]) == pytest.approx(0.9)  # half of frame 0 is left
    with pytest.raises(VosbenchError, match="nothing was ever in memory"):
        occupancy(np.zeros((1, 1), int), 10, [])


def test_contact_sheet():
    rng = np.random.default_rng(0)
    pictures = {frame: rng.integers(0, 256, (40, 60, 3), dtype=np.uint8) for frame in (5, 0, 9, 3, 7)}
    kept = {frame: np.zeros((40, 60), bool) for frame in pictures}
    for frame, mask in kept.items():
        mask[: 4 * frame] = True
    figure = contact_sheet(pictures, kept, ["lfu on ant"])
    assert [axes.get_title() for axes in figure.axes] == [
        *("frame 0: 0% kept", "frame 3: 30% kept", "frame 5: 50% kept", "frame 7: 70% kept", "frame 9: 90% kept")
    ]
    shown = figure.axes[2].images[0].get_array()
    assert np.array_equal(shown[:20], pictures[5][:20])
    assert shown[20:].max() < 128
    with pytest.raises(VosbenchError, match="nothing is in memory"):
        contact_sheet({}, {}, [])
