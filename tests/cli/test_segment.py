"""`vosbench segment`: from a video and the masks of its objects to masks and a video."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import toy_network
from my_idea import IDEA
from PIL import Image

import vosbench as api
from vosbench.images import present_labels, read_labels, read_palette, write_labels
from vosbench.report.pictures.overlay import overlay
from vosbench.video_file import open_video, writing_mp4

QUICK = ("--threads", 1, "--shorter-side", 0, "-p", "lfu:capacity=2")


@pytest.fixture
def clip(tmp_path: Path, small_clip: tuple[np.ndarray, np.ndarray]) -> Path:
    """The small clip, 23 frames of 56x40, as `clip.mp4`; its true masks of frames 0 and 9 as PNGs."""
    rgb, labels = small_clip
    with writing_mp4(tmp_path / "clip.mp4", rgb.shape[1:3], Fraction(30), aspect=Fraction(4, 3)) as write:
        for time, frame in enumerate(rgb):
            write(cv2.GaussianBlur(frame, (7, 7), 0), time)  # of single pixels in colour a video keeps little
    for index in (0, 9):
        write_labels(tmp_path / f"both{index}.png", labels[index])
        for object_id in (1, 2):
            binary = 255 * (labels[index] == object_id).astype(np.uint8)
            assert cv2.imwrite(str(tmp_path / f"object{object_id}-{index}.png"), binary)
    return tmp_path


@pytest.mark.usefixtures("real_network")
def test_masks_and_a_video_are_those_of_the_session(clip: Path, vosbench: Callable) -> None:
    out = clip / "out"
    done = vosbench("segment", clip / "clip.mp4", "--mask", clip / "both0.png", "--out", out, *QUICK)
    assert (done.status, done.err) == (0, "")
    assert f"{out}/masks holds 23 masks of 2 objects\n{out}/overlay.mp4 shows them\n" in done.out
    assert sorted(path.name for path in out.iterdir()) == ["masks", "overlay.mp4"]
    video, shown = open_video(clip / "clip.mp4"), open_video(out / "overlay.mp4")
    assert (shown.size, shown.rate, shown.promised) == ((40, 56), Fraction(30), 23)
    assert shown.aspect == Fraction(4, 3)  # as the video has it
    session = api.Session(api.load_model("stcn-tiny"), api.load_policy("lfu:capacity=2"), name="clip", shorter_side=0)
    for index, ((rgb, time), (drawn, then)) in enumerate(zip(video, shown, strict=True)):
        expected = session.step(rgb, None if index else read_labels(clip / "both0.png")).mask
        written = out / f"masks/{index:05d}.png"
        assert np.array_equal(read_labels(written), expected)
        assert np.abs(drawn.astype(int) - overlay(rgb, expected)).mean() < 8  # H.264 loses some
        assert time * video.time_base == then * shown.time_base
    assert read_palette(written)[1] == (128, 0, 0)


def test_later_masks_and_masks_of_0_and_255_give_objects_in_turn(clip: Path, vosbench: Callable) -> None:
    masks = ("--mask", clip / "object1-0.png", "--mask", f"9={clip / 'object2-9.png'}")
    done = vosbench("segment", clip / "clip.mp4", *masks, "--out", clip / "out", "--no-overlay", *QUICK, "--json", "-")
    result = json.loads(done.out)["result"]
    assert (result["objects"], result["frames"], result["overlay"]) == ([1, 2], 23, None)
    assert result["frames_in_memory"] <= 2
    predicted = [tuple(present_labels(read_labels(path))) for path in sorted((clip / "out/masks").iterdir())]
    assert {2} & {i for ids in predicted[:9] for i in ids} == set()
    assert 2 in predicted[9]
    drawn = 255 * (read_labels(clip / "both0.png") == 1).astype(np.uint8)
    assert cv2.imwrite(str(clip / "painted.png"), np.dstack([drawn] * 3))  # RGB, as painting programs write it
    assert np.array_equal(api.segment(clip / "clip.mp4", {0: clip / "painted.png"}).masks[0].pixels[0], drawn > 0)
    Image.open(clip / "both0.png").convert("RGBA").save(clip / "rgb.png")  # ids as colours of the palette
    coloured = api.segment(clip / "clip.mp4", {0: clip / "rgb.png"})
    assert coloured.ids == (1, 2)
    assert np.array_equal(coloured.masks[0].pixels, read_labels(clip / "both0.png") == np.array([[[1]], [[2]]]))
    both = api.segment(clip / "clip.mp4", {0: [clip / "object1-0.png", str(clip / "object2-0.png")]}, shorter_side=0)
    first = next(iter(both))[1].mask
    assert np.array_equal(first, read_labels(clip / "both0.png"))
    known = api.segment(clip / "clip.mp4", {0: clip / "object1-0.png", 9: clip / "both9.png"})
    assert known.ids == (1, 2)  # object 1 is followed already


def test_a_folder_of_frames_keeps_their_names(
    clip: Path, vosbench: Callable, small_clip: tuple[np.ndarray, np.ndarray]
) -> None:
    (clip / "frames").mkdir()
    for index, frame in enumerate(small_clip[0][:4]):
        assert cv2.imwrite(str(clip / f"frames/shot_{index + 8}.png"), frame[..., ::-1])
    vosbench("segment", clip / "frames", "--mask", clip / "both0.png", "--out", clip / "out", *QUICK)
    assert sorted(path.stem for path in (clip / "out/masks").iterdir()) == ["shot_10", "shot_11", "shot_8", "shot_9"]
    assert np.array_equal(read_labels(clip / "out/masks/shot_8.png"), read_labels(clip / "both0.png"))
    assert (open_video(clip / "out/overlay.mp4").rate, open_video(clip / "out/overlay.mp4").promised) == (24, 4)


@pytest.mark.parametrize("policy", ["reservoir:capacity=2", "every-k:k=3", "xmem", "./idea.py:k=2"])
def test_any_strategy_and_any_network(
    clip: Path, vosbench: Callable, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    monkeypatch.chdir(clip)
    Path("idea.py").write_text(IDEA)
    shutil.copy(toy_network.__file__, "toy.py")
    command = ("segment", "clip.mp4", "--mask", "both0.png", "--out", "out", "--no-overlay", "--shorter-side", 0)
    done = vosbench(*command, "-p", policy, "--model", "toy.py", "--top-k", 3, "--json", "answer.json")
    assert done.status == 0, done.err
    conditions = json.loads(Path("answer.json").read_text())["conditions"]
    assert (conditions["policy"], conditions["model"], conditions["top_k"]) == (policy, "toy.py", 3)
    assert len(list((clip / "out/masks").iterdir())) == 23


def test_a_video_that_a_phone_turned(
    tmp_path: Path, small_clip: tuple[np.ndarray, np.ndarray], vosbench: Callable, refused: Callable
) -> None:
    """Masks are those of the video as it is shown, as a clip of its own and as a data set."""
    rgb, labels = (part[:5] for part in small_clip)
    frames = tmp_path / "data/JPEGImages"
    frames.mkdir(parents=True)
    with av.open(str(frames / "phone.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.height, stream.width, stream.pix_fmt = 40, 56, "yuv420p"
        stream.set_display_rotation(90)
        for frame in rgb:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    truth = tmp_path / "data/Annotations/phone"
    truth.mkdir(parents=True)
    for index, mask in enumerate(labels):
        write_labels(truth / f"{index:05d}.png", np.rot90(mask))
    write_labels(tmp_path / "stored.png", labels[0])
    command = ("segment", frames / "phone.mp4", "--out", tmp_path / "out", *QUICK, "--mask")
    said = refused(*command, tmp_path / "stored.png")
    assert "stored.png is 56x40 pixels, its frame 40x56" in said
    assert "turned as their file says" in said
    assert vosbench(*command, truth / "00000.png").status == 0
    assert read_labels(tmp_path / "out/masks/00004.png").shape == (56, 40)
    assert open_video(tmp_path / "out/overlay.mp4").size == (56, 40)
    data = ("--dataset", "folder", "--root", tmp_path / "data")
    assert vosbench("check", *data).status == 0
    assert vosbench("run", *data, *QUICK, "--no-controls", "--out", tmp_path / "run").status == 0
    assert vosbench("figure", tmp_path / "run", "--out", tmp_path / "strip.png").status == 0
    assert read_labels(tmp_path / "run/masks/lfu_capacity=2/phone/00004.png").shape == (56, 40)


def test_what_is_there_is_not_overwritten(clip: Path, vosbench: Callable, refused: Callable) -> None:
    command = ("segment", clip / "clip.mp4", "--mask", clip / "both0.png", "--out", clip / "out", *QUICK)
    (clip / "out/masks").mkdir(parents=True)
    assert vosbench(*command).status == 2  # some other folder `masks`
    (clip / "out/.unfinished").touch()
    assert "out exists already" in refused(*command)  # left in the middle of another clip
    (clip / "out/.unfinished").write_bytes(bytes((clip / "clip.mp4").resolve()))
    done = vosbench(*command)
    assert done.status == 0  # left in the middle of this one
    assert "at most 2.0 frames in memory" in done.out
    assert "out exists already" in refused(*command)
    write_labels(clip / "out/masks/00099.png", np.zeros((40, 56), np.uint8))  # of a longer video
    assert vosbench(*command, "--overwrite", "--no-overlay").status == 0
    assert sorted(path.stem for path in (clip / "out/masks").iterdir()) == [f"{t:05d}" for t in range(23)]
    assert not (clip / "out/overlay.mp4").exists()
    assert "would be overwritten" in refused("segment", clip / "out/masks", *command[2:], "--overwrite")


def test_a_mask_that_is_not_there_is_no_fault_of_a_data_set(clip: Path, refused: Callable) -> None:
    command = ("segment", clip / "clip.mp4", "--mask", clip / "none.png", "--out", clip / "out")
    assert refused(*command).splitlines()[1] == "check the path"


def test_one_that_was_ended_says_that_it_begins_anew(
    clip: Path, vosbench: Callable, refused: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("segment", clip / "clip.mp4", "--mask", clip / "both0.png", "--out", clip / "out", *QUICK)
    written = []

    def write(path: Path, labels: np.ndarray) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write_labels(path, labels)

    monkeypatch.setattr("vosbench.cli.verbs.segment.write_labels", write)
    ended = vosbench(*command)
    assert (ended.status, ended.err.splitlines()[-2:]) == (
        130,
        [
            "vosbench: error: interrupted",
            "hint: start the same command again: it begins anew, at the first frame; until then the masks that were "
            "made stay in --out",
        ],
    )
    shutil.copy(clip / "clip.mp4", clip / "other.mp4")
    assert "out exists already" in refused("segment", clip / "other.mp4", *command[2:])
    assert sorted((clip / "out/masks").iterdir()) == written
    monkeypatch.setattr("vosbench.cli.verbs.segment.write_labels", write_labels)
    assert vosbench(*command).status == 0
    assert len([*(clip / "out/masks").iterdir()]) == 23
    assert not (clip / "out/.unfinished").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("clip.mp4", "--mask", "40=both0.png"), "mask both0.png is for frame 40, but clip.mp4 has 23 frames"),
        (("clip.mp4", "--mask", "-1=both0.png"), "frames are counted from 0"),
        (("clip.mp4", "--mask", "small.png"), "mask small.png is 20x10 pixels, its frame 56x40"),
        (("clip.mp4", "--mask", "none.png"), "mask none.png does not exist"),
        (("clip.mp4", "--mask", "colours.png"), "mask colours.png is a RGB image, not a label map"),
        (("clip.mp4", "--mask", "grey.png"), "mask grey.png is an RGB image in grey (0, 128), which may be ids or not"),
        (("clip.mp4", "--mask", "empty.png"), "mask empty.png is empty: all is background"),
        (("clip.mp4", "--mask", "both0.png", "--mask", "9=both9.png"), "mask both9.png holds no object that is not"),
        (("clip.mp4", "--mask", "both0.png", "-p", "nope"), "unknown strategy 'nope'"),
        (
            ("clip.mp4", "--mask", "both0.png", "-p", "offline"),
            "strategy offline needs the frames still to come, which",
        ),
        (("clip.mp4", "--mask", "both0.png", "-p", "oracle-masks"), "strategy oracle-masks needs true masks, which"),
        (("clip.mp4", "--mask", "both0.png", "--device", "tpu"), "unknown device"),
        (("clip.mp4", "--mask", "both0.png", "--mask", "0=both0.png"), "mask both0.png is given twice for frame 0"),
        (("both0.png", "--mask", "both0.png"), "both0.png is one picture, no video"),
        (("broken.mp4", "--mask", "both0.png"), "broken.mp4 is not a readable video"),
        (("nothing.mp4", "--mask", "both0.png"), "video nothing.mp4 does not exist"),
        (("void", "--mask", "both0.png"), "void holds no frames"),
    ],
)
def test_a_fault_is_one_line_before_any_work(
    clip: Path, refused: Callable, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(clip)
    write_labels(clip / "small.png", np.ones((10, 20), np.uint8))
    write_labels(clip / "empty.png", np.zeros((40, 56), np.uint8))
    assert cv2.imwrite("colours.png", np.full((40, 56, 3), (1, 2, 3), np.uint8))
    assert cv2.imwrite("grey.png", np.dstack([128 * (read_labels(clip / "both0.png") == 1).astype(np.uint8)] * 3))
    (clip / "broken.mp4").write_bytes(b"no video at all")
    (clip / "void").mkdir()
    assert said in refused("segment", *arguments, "--out", "out").splitlines()[0]
    assert not (clip / "out").exists()


def test_a_full_disk_is_one_line(clip: Path, refused: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("vosbench.cli.verbs.segment.write_labels", fail)
    command = ("segment", clip / "clip.mp4", "--mask", clip / "both0.png", "--out", clip / "out", *QUICK)
    assert "No space left" in refused(*command, "--no-overlay")
    assert "No space left" in refused(*command)
    assert not list((clip / "out").glob("*.mp4*"))


def test_a_video_that_breaks_off_leaves_its_masks(clip: Path, refused: Callable) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 56, 3), np.uint8)
    with writing_mp4(clip / "clip.mp4", (40, 56), Fraction(30)) as write:
        for time, frame in enumerate(noise):
            write(frame, time)
    whole = (clip / "clip.mp4").read_bytes()
    later = (whole.index(b"mdat") + whole.index(b"moov")) // 2
    (clip / "clip.mp4").write_bytes(whole[:later] + bytes(3000) + whole[later + 3000 :])
    said = refused("segment", clip / "clip.mp4", "--mask", clip / "both0.png", "--out", clip / "out", *QUICK)
    assert "clip.mp4 is broken" in said
    assert not (clip / "out/overlay.mp4").exists()
    assert (clip / "out/masks/00000.png").exists()
