"""Video files as sequences of a plain folder."""

import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from layouts import frame
from PIL import Image

from vosbench.bench.runner import run
from vosbench.bench.suite import Suite
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import read_labels, write_labels
from vosbench.report.pictures.footage import open_footage
from vosbench.video_file import open_video, writing_mp4


def write(path: Path, frames: int = 5) -> None:
    with writing_mp4(path, (48, 64), Fraction(24)) as add:
        for t in range(frames):
            add(frame(t, (1, 2))[0][..., ::-1], t)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """`within` in JPEGImages, `beside` at the top, each with the mask of its first frame and of frame 3."""
    for path in (tmp_path / "JPEGImages/within.mp4", tmp_path / "beside.MOV", tmp_path / "unrelated.mp4"):
        write(path)
    for name in ("within", "beside"):
        for t in (0, 3):
            (tmp_path / "Annotations" / name).mkdir(parents=True, exist_ok=True)
            write_labels(tmp_path / f"Annotations/{name}/{t:05d}.png", frame(t, (1, 2))[1])
    return tmp_path


def test_a_video_is_a_sequence(root: Path) -> None:
    data = open_dataset("folder", root)
    assert data.sequence_names() == ("beside", "within")
    for name, path in (("within", root / "JPEGImages/within.mp4"), ("beside", root / "beside.MOV")):
        video = data.sequence(name)
        assert [one.name for one in video.frames] == [f"{t:05d}" for t in range(5)]
        assert video.object_ids == (1, 2)
        for one, (rgb, _) in zip(video.frames, open_video(path), strict=True):
            assert np.array_equal(one.load(), rgb)
    assert data.problems() == []


def test_a_gif_is_a_video(root: Path) -> None:
    shades = [np.full((48, 64, 3), (25 * t, 100, 200 - 10 * t), np.uint8) for t in range(9)]
    first, *others = map(Image.fromarray, shades)
    first.save(root / "JPEGImages/moving.gif", save_all=True, append_images=others, duration=100)
    (root / "Annotations/moving").mkdir()
    write_labels(root / "Annotations/moving/00000.png", frame(0, (1, 2))[1])
    frames = open_dataset("folder", root).sequence("moving").frames
    assert len(frames) == 9
    for t in (8, 0, 5):
        assert np.array_equal(frames[t].load(), shades[t])


def test_the_fingerprint_is_that_of_the_file(root: Path) -> None:
    data = open_dataset("folder", root)
    before = {name: data.fingerprint(name) for name in data.sequence_names()}
    assert before["within"] != before["beside"]
    write(root / "JPEGImages/within.mp4", 6)
    assert data.fingerprint("within") != before["within"]
    assert data.fingerprint("beside") == before["beside"]


@pytest.mark.usefixtures("lent_pool")
def test_a_run_on_videos_and_its_pictures(root: Path, tmp_path: Path) -> None:
    suite = Suite("folder", root, policies=("first-only",), shorter_side=48, threads=1)
    records = run(suite, tmp_path / "run")
    assert {record.sequence for record in records} == {"beside", "within"}
    assert all(record.scores is not None and record.failure is None for record in records)
    footage = open_footage(tmp_path / "run", "within")
    mask = read_labels(tmp_path / "run/masks/first-only/within/00004.png")
    assert np.array_equal(footage.labels("first-only", "00004"), mask)
    assert footage.drawn(4, (48, 64))[0].shape == (48, 64, 3)


def test_a_folder_of_frames_comes_before_a_video_of_its_name(root: Path, small_davis: Path) -> None:
    (small_davis / "JPEGImages/480p/ant").rename(root / "JPEGImages/within")
    assert len(open_dataset("folder", root).sequence("within").frames) == 6


def test_what_is_wrong_with_a_video_is_one_line(root: Path) -> None:
    broken, late = root / "JPEGImages/within.mp4", root / "Annotations/beside/00007.png"
    broken.write_bytes(broken.read_bytes()[:300])
    write_labels(late, frame(3, (1, 2))[1])
    data = open_dataset("folder", root)
    with pytest.raises(VosbenchError, match=r"within\.mp4 is not a readable video"):
        data.sequence("within")
    with pytest.raises(VosbenchError, match="lacks frames 00007"):
        data.sequence("beside")
    found = [problem.message for problem in data.problems()]
    assert [message for message in found if "within.mp4 is not a readable video" in message]
    assert [message for message in found if "lacks frames 00007" in message]


def test_check_tells_that_a_video_is_cut_off(root: Path) -> None:
    mask = root / "Annotations/within/00003.png"
    for name in ("cut.mkv", "cut.mpg", "cut.ts"):
        path, noise = root / "JPEGImages" / name, np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg2video", rate=25)
            stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
            for t in range(12):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(noise, t, 1), format="rgb24")))
            container.mux(stream.encode())
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        (root / "Annotations" / path.stem).mkdir(exist_ok=True)
        write_labels(root / "Annotations/cut/00000.png", read_labels(mask))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is said to whoever reads it, too
            *others, problem = open_dataset("folder", root).sequence_problems("cut")
        assert name == "cut.ts" or not others
        path.unlink()
        if name == "cut.mkv":
            assert "cut.mkv is broken: it ends after" in problem.message
        elif name == "cut.ts":
            assert (problem.message.endswith("cut.ts may be cut off: it ends within a packet"), problem.warning) == (
                True,
                True,
            )
        else:
            assert (problem.message.endswith("cut.mpg is damaged"), problem.warning) == (True, True)
