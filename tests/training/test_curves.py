"""The figure of a training's curves, and what is no log of one."""

import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.training.curves import draw_curves, plot_curves, read_curve, smooth
from vosbench.training.log import COLUMNS

HEAD = "step,loss,iou,seconds_per_step,j_and_f\n"


def test_a_log_is_read_and_drawn(tmp_path):
    rows = [f"{10 * i},{1 / i:.4f},{1 - 1 / (i + 1):.4f},0.5,{'' if i % 3 else 50 + i}" for i in range(1, 10)]
    (tmp_path / "curve.csv").write_text(HEAD + "\n".join(rows) + "\n")
    curve = read_curve(tmp_path)
    assert curve["step"].tolist() == [10 * i for i in range(1, 10)]
    assert np.flatnonzero(np.isfinite(curve["j_and_f"])).tolist() == [2, 5, 8]
    for kind in ("svg", "png"):
        plot_curves({"first": tmp_path, "again": tmp_path}, tmp_path / f"curves.{kind}")
        assert (tmp_path / f"curves.{kind}").stat().st_size > 1000
    assert "again" in (tmp_path / "curves.svg").read_text()
    with pytest.raises(VosbenchError, match="cannot write a figure"):
        plot_curves({"first": tmp_path}, tmp_path / "curves.txt")


def test_the_loss_has_an_axis_of_its_own_that_fits_it(tmp_path):
    curves = {}
    for name, highest in (("first", 2.5), ("again", 0.4)):
        steps = np.arange(1.0, 41)
        (tmp_path / name).mkdir()
        rows = [f"{step:.0f},{highest / step**0.5:.4f},0.5,0.1,{60 if step % 20 == 0 else ''}" for step in steps]
        (tmp_path / name / "curve.csv").write_text(HEAD + "\n".join(rows))
        curves[name] = read_curve(tmp_path / name)
    percent, loss = draw_curves(curves).axes
    assert percent.get_ylim() == (0, 100)
    assert (percent.get_ylabel(), loss.get_ylabel(), loss.get_xlabel()) == ("percent", "loss", "step")
    lines = loss.get_lines()
    drawn = [line.get_ydata() for line in lines]
    assert drawn[0].max() > 1
    bottom, top = loss.get_ylim()
    assert bottom == 0
    assert max(map(np.max, drawn)) < top < 3
    assert drawn[1].tolist() == smooth(curves["again"]["loss"], 2).tolist()
    assert lines[0].get_linestyle() != lines[1].get_linestyle()  # where there is no colour
    assert [line.get_linestyle() for line in percent.get_lines()[::2]] == [line.get_linestyle() for line in lines]
    assert percent.get_xlim() == loss.get_xlim()


def test_points_of_two_validations_and_stages_are_told_apart(tmp_path):
    head = ",".join(COLUMNS) + "\n"
    rows = [
        *(f"{step},1,0.5,0.1,{30 + step},synthetic val,static" for step in (1, 2)),
        "1,1,0.5,0.1,,,video",
        "2,1,0.6,0.1,70,synthetic val,video",
        '3,1,0.7,0.1,80,"davis2016 val, first 2",video',
    ]
    (tmp_path / "curve.csv").write_text(head + "\n".join(rows))
    curve = read_curve(tmp_path)
    assert curve["step"].tolist() == [1, 2, 3, 4, 5]
    figure = draw_curves({"mine": curve})
    points = [line for line in figure.axes[0].get_lines() if line.get_marker() == "o"]
    assert [line.get_xydata().tolist() for line in points] == [[[1, 31], [2, 32], [4, 70]], [[5, 80]]]
    assert [line.get_fillstyle() for line in points] == ["full", "none"]
    named = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert named == ["mine", "synthetic val", "davis2016 val, first 2"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["static", "video"]
    one = {name: values[:4] for name, values in curve.items()}
    (drawn,) = (line for line in draw_curves({"mine": one}).axes[0].get_lines() if line.get_marker() == "o")
    assert drawn.get_label().startswith("_")  # one validation needs no name


def test_the_moving_mean():
    assert smooth(np.array([1.0, 2, 6, 3]), 3).tolist() == [1.5, 3, pytest.approx(11 / 3), 4.5]
    assert smooth(np.array([1.0, 2]), 1).tolist() == [1, 2]


@pytest.mark.parametrize("text", [None, "", HEAD, "step,loss\n1,2\n", HEAD + "1,x,0,0,\n", "a\nb\n"])
def test_what_is_no_log(tmp_path, text):
    if text is not None:
        (tmp_path / "curve.csv").write_text(text)
    with pytest.raises(VosbenchError) as caught:
        read_curve(tmp_path)
    assert caught.value.hint
