"""`vosbench figure` and `vosbench video` of a finished run."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vosbench.report.pictures.footage import open_footage
from vosbench.report.pictures.mosaic import Mosaic
from vosbench.video_file import open_video


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_a_strip(vosbench: Callable, finished_run: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"strip.{kind}"
    command = ("figure", finished_run / "run", "--sequence", "ant", "--out", out)
    done = vosbench(*command, "--frames", "0, 00002,", "-p", "first-only", "--json", "-")
    assert done.status == 0
    result = json.loads(done.out)["result"]
    assert result == {"figure": str(out), "frames": ["00000", "00002"], "rows": ["truth", "first-only"]}
    assert out.stat().st_size > 1000
    if kind == "png":
        chosen = vosbench("figure", finished_run / "run", *command[4:], "--overwrite", "--number", 3, "--json", "-")
        assert len(json.loads(chosen.out)["result"]["frames"]) == 3


def test_a_video_of_all_strategies(vosbench: Callable, finished_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "ant.mp4"
    done = vosbench("video", finished_run / "run", "--sequence", "ant", "--out", out, "--fps", 8, "--json", "-")
    result = json.loads(done.out)["result"]
    assert (done.status, result["frames"], result["rate"]) == (0, 6, 8.0)
    assert result["pictures"] == ["truth", "every-k:k=2", "first-only"]
    video, mosaic = open_video(out), Mosaic.of(3, 48, 64)
    assert (video.size, video.rate, video.promised) == (mosaic.canvas, Fraction(8), 6)
    assert result["size"] == f"{mosaic.canvas[1]}x{mosaic.canvas[0]}"
    footage = open_footage(finished_run / "run", "ant")
    for place, (shown, _) in enumerate(video):
        for number, expected in enumerate(footage.drawn(place, mosaic.size)):
            top, left = mosaic.place(number)
            picture = shown[top : top + mosaic.size[0], left : left + mosaic.size[1]]
            assert np.abs(picture.astype(int) - expected).mean() < 6  # H.264 loses some


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("figure", "run", "--sequence", "bug", "--out", "a.png"), "unknown sequence of run 'bug'"),
        (("figure", "run", "--sequence", "ant", "--out", "a.gif"), "cannot write a figure as a.gif"),
        (("figure", "run", "--sequence", "ant", "--out", "old.png"), "old.png exists already"),
        (("figure", "run", "--sequence", "ant", "--out", "a.png", "--frames", "9"), "sequence ant has no frame 9"),
        (("figure", "run", "--sequence", "ant", "--out", "a.png", "--frames", "0,-1"), "sequence ant has no frame -1"),
        (("figure", "run", "--sequence", "ant", "--out", "a.png", "--frames", " ,"), "no frame is named"),
        (
            ("figure", "run", "--out", "a.png", "--frames", "0", "-n", "2"),
            "--frames names the frames, and --number says",
        ),
        (("figure", "run", "run", "--out", "a.png"), "the same run is given twice"),
        (("video", "run", "./run", "--out", "a.mp4"), "the same run is given twice"),
        (("figure", "run", "--sequence", "ant", "--out", "a.png", "--root", "none"), "root none is not a folder"),
        (("video", "run", "--sequence", "ant", "--out", "a.avi"), "cannot write a video as a.avi"),
        (("video", "run", "--sequence", "ant", "--out", "a.mp4", "-p", "lfu"), "unknown strategy of the run 'lfu'"),
        (("video", "none", "--sequence", "ant", "--out", "a.mp4"), "run none does not exist"),
    ],
)
def test_a_fault_is_one_line(
    refused: Callable, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.png").touch()
    (tmp_path / "run").symlink_to(finished_run / "run")
    assert said in refused(*arguments).splitlines()[0]
    assert not list(tmp_path.glob("a.*"))
