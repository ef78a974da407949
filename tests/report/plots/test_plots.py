from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from PIL import Image

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.drawing.labels import extent, label_points
from vosbench.report.drawing.style import save
from vosbench.report.drawing.trade_off import pareto_front
from vosbench.report.plots import (
    accuracy_against_memory,
    accuracy_against_speed,
    latency_against_frame,
    memory_against_frame,
)

Run = tuple[RunRecord, ...]


def curves(figure: Figure) -> dict[str, np.ndarray]:
    """What the figure's axes draw under each strategy's name: x and y, [2,N]."""
    return {str(line.get_label()): np.array(line.get_data(), float) for line in figure.axes[0].lines}


def names(figure: Figure) -> list[Annotation]:
    return [text for text in figure.axes[0].texts if isinstance(text, Annotation)]


def test_points_are_where_the_figures_say(run: Run) -> None:
    figure = accuracy_against_speed.figure(run)
    drawn = curves(figure)
    assert drawn["lfu"].ravel() == pytest.approx([6 / 1.4, 60])
    assert drawn["fifo"].ravel() == pytest.approx([12, 50])
    assert {text.get_text() for text in names(figure)} >= {"lfu", "fifo"}


def test_the_front_joins_those_that_none_beats(run: Run) -> None:
    figure = accuracy_against_memory.figure(run)
    drawn = curves(figure)
    assert drawn["lfu"].ravel() == pytest.approx([10 / 6, 60])
    assert drawn["fifo"].ravel() == pytest.approx([1, 50])
    front = next(line for line in figure.axes[0].lines if line.get_label() == "_front")
    assert front.get_xydata() == pytest.approx(np.array([[1, 50], [10 / 6, 60]]))
    assert pareto_front([(5.0, 70.0), (5.0, 60.0), (7.0, 50.0), (9.0, 65.0)], more_is_better=True) == [
        (9.0, 65.0),
        (5.0, 70.0),
    ]


def test_control_in_reach_is_a_dashed_line(run: Run, build: Callable[..., RunRecord]) -> None:
    near = [build("copy", "cat", position=2, j=[0.45]), build("copy", "dog", position=2, j=[0.45, 0.45])]
    figure = accuracy_against_speed.figure((*run[:4], *near))
    line = next(line for line in figure.axes[0].lines if line.get_label() == "copy")
    assert list(line.get_ydata()) == pytest.approx([45, 45])
    assert line.is_dashed()
    assert "copy (control)" in [text.get_text() for text in figure.axes[0].texts]


def test_control_out_of_reach_is_named_with_its_value(run: Run) -> None:
    figure = accuracy_against_speed.figure(run)
    assert "copy-first-mask" not in curves(figure)
    assert "controls below: copy-first-mask 20.0" in [text.get_text() for text in figure.axes[0].texts]


def test_labels_of_crowded_points_do_not_overlap(build: Callable[..., RunRecord]) -> None:
    records = [
        build(f"lfu:capacity={n}", position=n, j=[0.5 + n / 500], latency_ms=[100 + n % 3], tokens=[10])
        for n in range(8)
    ]
    figure = accuracy_against_speed.figure(records)
    boxes = [extent(text) for text in names(figure)]
    assert len(boxes) == 8
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    assert all(figure.axes[0].bbox.padded(1).containsx(x) for box in boxes for x in (box.x0, box.x1))


def overlap(one: Bbox, other: Bbox) -> bool:
    common = Bbox.intersection(one, other)
    return common is not None and common.width * common.height > 1


def test_latency_is_the_median_over_the_sequences_that_last(run: Run) -> None:
    drawn = curves(latency_against_frame.figure(run))
    assert list(drawn) == ["lfu", "fifo"]
    assert drawn["lfu"].tolist() == [[0, 1, 2, 3], [150, 200, 400, 300]]
    assert drawn["fifo"].tolist() == [[0, 1, 2, 3], [75, 75, 100, 100]]


@pytest.mark.parametrize("number", [2, 9])
def test_a_slow_first_frame_does_not_press_the_others_together(build: Callable[..., RunRecord], number: int) -> None:
    records = [build(f"p{n}", position=n, latency_ms=[900.0, *[10.0 + n] * 9], tokens=[10] * 10) for n in range(number)]
    figure = latency_against_frame.figure(records)
    for axes in figure.axes:
        assert 10 + number - 1 <= axes.get_ylim()[1] < 2 * (10 + number)
        assert "↑ up to 900, beyond the axis" in [text.get_text() for text in axes.texts]
        assert all(line.get_clip_on() for line in axes.lines)
    assert curves(figure)["p0"][1].max() == 900  # it is there, above


def test_names_of_a_crowd_stay_within_the_axes() -> None:
    axes = Figure(figsize=(5, 4)).add_axes((0.1, 0.1, 0.8, 0.8))
    names = [f"a-long-name-{n:02d}" for n in range(24)]
    label_points(axes, [(0.15, 0.5)] * 24, names, ["black"] * 24)
    for box in map(extent, axes.texts):
        assert axes.bbox.x0 < box.x0
        assert box.x1 < axes.bbox.x1
        assert axes.bbox.y0 < box.y0
        assert box.y1 < axes.bbox.y1


def test_band_spans_the_quartiles(run: Run) -> None:
    band = latency_against_frame.figure(run).axes[0].collections[0].get_paths()[0].vertices
    assert sorted(set(band[band[:, 0] == 0][:, 1])) == pytest.approx([125, 150 + 25])


def test_memory_is_in_frames(run: Run) -> None:
    figure = memory_against_frame.figure(run)
    drawn = curves(figure)
    assert drawn["lfu"].tolist() == [[0, 1, 2, 3], [1, 2, 2, 2]]
    assert drawn["fifo"].tolist() == [[0, 1, 2, 3], [1, 1, 1, 1]]
    assert figure.axes[0].get_ylabel() == "frames in memory"


def test_labels_of_coinciding_curves_do_not_overlap(build: Callable[..., RunRecord]) -> None:
    records = [build(f"p{n}", position=n, latency_ms=[1.0] * 3, tokens=[10] * 3) for n in range(6)]
    figure = memory_against_frame.figure(records)
    boxes = [extent(text) for text in names(figure)]
    assert len(boxes) == 6
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    assert min(box.y0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.x1


@pytest.mark.parametrize("plot", [accuracy_against_speed, latency_against_frame, memory_against_frame])
def test_picture_is_written(run: Run, tmp_path: Path, plot: ModuleType) -> None:
    save(plot.figure(run), tmp_path / "new" / "a.png")
    with Image.open(tmp_path / "new" / "a.png") as picture:
        assert picture.size == (1680, 1050)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(picture.width * picture.height)}
    assert (255, 255, 255) in colours
    assert len(colours) > 50


@pytest.mark.parametrize(("kind", "magic"), [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_same_records_give_the_same_file(run: Run, tmp_path: Path, kind: str, magic: bytes) -> None:
    for name in "ab":
        save(accuracy_against_speed.figure(run), tmp_path / f"{name}.{kind}")
    assert (tmp_path / f"a.{kind}").read_bytes().startswith(magic)
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_strange_names_are_drawn_as_they_are(build: Callable[..., RunRecord], tmp_path: Path) -> None:
    long = "ideas/" * 12 + "a_$x$_b.py:capacity=2"
    figure = accuracy_against_speed.figure([build(long, latency_ms=[5.0], tokens=[10])])
    save(figure, tmp_path / "a.svg")
    assert "a_$x$_b.py:capacity=2</text>" in (tmp_path / "a.svg").read_text()
    assert max(len(text.get_text()) for text in names(figure)) == 34


def test_what_cannot_be_drawn_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(VosbenchError, match="no strategy has both scores and a timing"):
        accuracy_against_speed.figure(run[4:])
    with pytest.raises(VosbenchError, match="no record holds latency"):
        latency_against_frame.figure(run[4:])
    with pytest.raises(VosbenchError, match="no record holds frames in memory"):
        memory_against_frame.figure([replace(record, memory=None) for record in run])
    with pytest.raises(VosbenchError, match=r"cannot write a figure as .*a\.bmp") as caught:
        save(latency_against_frame.figure(run), tmp_path / "a.bmp")
    assert ".svg" in caught.value.hint
    (tmp_path / "file").write_text("")
    with pytest.raises(VosbenchError, match="cannot write figure"):
        save(latency_against_frame.figure(run), tmp_path / "file" / "a.png")


def test_labels_of_an_axis_are_whole_in_the_file(build: Callable[..., RunRecord], tmp_path: Path) -> None:
    """Ticks of two decimals take more than the room beside the axes."""
    figure = accuracy_against_speed.figure((build("lfu", j=[0.5], latency_ms=[100.0] * 3),))
    sizes = []
    for decimals in (0, 4):
        figure.axes[0].yaxis.set_major_formatter(f"{{x:.{decimals}f}}")
        save(figure, tmp_path / f"{decimals}.png")
        with Image.open(tmp_path / f"{decimals}.png") as picture:
            sizes.append(picture.width)
            left = np.asarray(picture.convert("L"))[:, :1]
        assert (left == 255).all()
    assert sizes[0] == round(300 * 5.6)
    assert sizes[1] > sizes[0]
