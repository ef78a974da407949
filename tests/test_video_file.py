"""Video files, written here by PyAV, and read again by vosbench and by OpenCV, which is independent of it."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from vosbench import video_file
from vosbench.errors import VosbenchError
from vosbench.video_file import FrameOfVideo, codec, count_frames, open_video, require_mp4, writing_mp4


def pictures(count: int, height: int, width: int) -> list[np.ndarray]:
    """A bar that grows from the left, two colours above one another, so that turns and order show."""
    found = []
    for number in range(count):
        rgb = np.zeros((height, width, 3), np.uint8)
        rgb[: height // 2] = (200, 30, 60)
        rgb[height // 2 :] = (20, 180, 90)
        rgb[:, : 4 * (number + 1)] = (30, 30, 220)
        found.append(rgb)
    return found


def encode(path: Path, frames: list[np.ndarray], rotation: int = 0, **options: str) -> None:
    """An mp4 as another program writes it."""
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "10", "g": "5"})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())


def by_opencv(path: Path) -> list[np.ndarray]:
    capture, found = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        found.append(read[1][..., ::-1])
    return found


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.abs(a.astype(int) - b).mean() < 8


@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_what_is_written_is_read_again(tmp_path: Path, size: tuple[int, int]) -> None:
    path, frames = tmp_path / "new" / "clip.mp4", pictures(7, *size)
    with writing_mp4(path, size, Fraction(30000, 1001)) as write:
        for time, rgb in enumerate(frames):
            write(rgb, time)
    video = open_video(path)
    assert (video.size, video.rate, video.promised, count_frames(path)) == ((48, 64), Fraction(30000, 1001), 7, 7)
    assert [float(time * video.time_base) for _, time in video] == pytest.approx([i * 1001 / 30000 for i in range(7)])
    for rgb, (found, _), other in zip(frames, video, by_opencv(path), strict=True):
        assert alike(found, np.pad(rgb, ((0, size[0] % 2), (0, size[1] % 2), (0, 0)), "edge"))
        assert alike(found, other)
    assert [p.name for p in path.parent.iterdir()] == ["clip.mp4"]
    with av.open(str(path)) as container:
        assert (codec(), container.streams.video[0].codec_context.name) == ("libx264", "h264")


def test_without_h264_it_is_mpeg4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_file, "CODECS", ("mpeg4",))
    with writing_mp4(tmp_path / "clip.mp4", (48, 64), Fraction(10), Fraction(1, 90_000)) as write:
        for time, rgb in enumerate(pictures(3, 48, 64)):
            write(rgb, 9_000 * time)
    assert len(by_opencv(tmp_path / "clip.mp4")) == 3
    video = open_video(tmp_path / "clip.mp4")
    assert [time * video.time_base for _, time in video] == [0, Fraction(1, 10), Fraction(2, 10)]


@pytest.mark.parametrize("rotation", [0, 90, -90, 180])
def test_a_phone_says_how_it_was_held(tmp_path: Path, rotation: int) -> None:
    path, frames = tmp_path / "phone.mp4", pictures(3, 48, 64)
    encode(path, frames, rotation)
    video = open_video(path)
    assert video.size == ((48, 64) if rotation % 180 == 0 else (64, 48))
    for (found, _), other, rgb in zip(video, by_opencv(path), frames, strict=True):
        assert alike(found, other)
        assert alike(found, np.rot90(rgb, rotation // 90 % 4))


@pytest.mark.parametrize(("rotation", "seen"), [(0, Fraction(12, 11)), (90, Fraction(11, 12))])
def test_pixels_that_are_not_square(tmp_path: Path, rotation: int, seen: Fraction) -> None:
    with av.open(str(tmp_path / "pal.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(12, 11)
        if rotation:
            stream.set_display_rotation(rotation)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pictures(1, 48, 64)[0], format="rgb24")))
        container.mux(stream.encode())
    video = open_video(tmp_path / "pal.mp4")
    assert video.aspect == seen
    with writing_mp4(tmp_path / "new.mp4", video.size, video.rate, aspect=video.aspect) as write:
        write(next(iter(video))[0], 0)
    again = open_video(tmp_path / "new.mp4")
    assert (again.aspect, again.size) == (seen, video.size)


def test_a_variable_rate_keeps_the_time_of_every_frame(tmp_path: Path) -> None:
    path, times = tmp_path / "phone.mp4", [0, 40, 140, 150, 300]
    with writing_mp4(path, (48, 64), Fraction(20), Fraction(1, 1000)) as write:
        for time, rgb in zip(times, pictures(5, 48, 64), strict=True):
            write(rgb, time)
    video = open_video(path)
    assert [round(1000 * time * video.time_base) for _, time in video] == times


def test_frames_by_their_index(tmp_path: Path) -> None:
    path, frames = tmp_path / "clip.mp4", pictures(9, 48, 64)
    encode(path, frames)
    for index in (0, 1, 5, 3, 8):  # in order, ahead, and back
        assert alike(FrameOfVideo(path, index).load(), frames[index])
    with pytest.raises(VosbenchError, match="ends before frame 9"):
        FrameOfVideo(path, 9).load()


def test_a_video_that_breaks_off_is_told(tmp_path: Path) -> None:
    path, frames = tmp_path / "clip.mp4", list(np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), np.uint8))
    encode(path, frames, movflags="+faststart")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        VosbenchError,
        match=r"clip.mp4 is broken: (frame \d+ cannot be decoded|it ends in the middle of frame \d+ of 40)",
    ) as caught:
        list(open_video(path))
    assert "ffmpeg -i clip.mp4" in caught.value.hint
    path.write_bytes(whole[:40])
    with pytest.raises(VosbenchError, match=r"is not a readable video|has no frames|holds no video"):
        open_video(path)


CUT = {  # what is told of the first 40 percent of a file, by its kind
    "a.mkv": r"a\.mkv is broken: it ends after \d+ of \d+ bytes",
    "a.webm": r"a\.webm is broken: it ends after \d+ of \d+ bytes",
    "a.avi": r"a\.avi is broken: it ends in the middle of frame \d+ of 50",
    "fragments.mp4": r"fragments\.mp4 is broken: it ends in the middle of frame \d+$",
    "a.ts": r"a\.ts may be cut off: it( ends within a packet|s last frame, \d+, is damaged)",
    "a.mpg": r"a\.mpg may be cut off: its last frame, \d+, is damaged",
    "a.gif": r"a\.gif may be cut off: it lacks the end of a GIF",
    "live.mkv": r"live\.mkv may be cut off: it ends within an element",  # written without knowing its length
    "a.flv": r"a\.flv is broken: it ends in the middle of frame \d+$",
}


@pytest.mark.parametrize("name", CUT)
def test_a_file_of_any_kind_that_is_cut_off(tmp_path: Path, name: str) -> None:
    path, codecs = tmp_path / name, {"webm": "libvpx", "mpg": "mpeg2video", "gif": "gif"}
    options = {"live.mkv": {"live": "1"}, "fragments.mp4": {"movflags": "frag_keyframe+empty_moov"}}.get(name, {})
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codecs.get(name.split(".")[1], "libx264"), rate=25, options={"g": "5"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "rgb8" if name == "a.gif" else "yuv420p"
        for index in range(20):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, 3 * index, 1), format="rgb24")
            frame.pts, frame.time_base = index + 30 * (index > 15), Fraction(1, 25)  # one lasts long, in the others
            container.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        container.mux(stream.encode())
    assert (count_frames(path), len(list(open_video(path)))) == (20, 20)  # an AVI counts those left out too: 50
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 5 - 3])
    told = CUT[name]
    if "broken" in told:
        with pytest.raises(VosbenchError, match=told) as caught:
            count_frames(path)
        assert f"ffmpeg -i {name}" in caught.value.hint
    else:
        with pytest.warns(UserWarning, match=told):
            found = len(list(open_video(path))), count_frames(path)
        assert 0 < found[0] == found[1] < 20


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    text, sound, empty = tmp_path / "text.mp4", tmp_path / "sound.mp4", tmp_path / "empty.mkv"
    text.write_text("no video")
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        tone.sample_rate = 8000
        container.mux(stream.encode(tone))
        container.mux(stream.encode())
    with av.open(str(empty), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.height, stream.width = 48, 64
        container.start_encoding()
    for path, said in (
        (text, "text.mp4 is not a readable video"),
        (sound, r"sound.mp4 holds no video \(1 sound track\)"),
        (empty, "empty.mkv has no frames"),
        (tmp_path / "absent.mp4", "absent.mp4 does not exist"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(VosbenchError, match=said):
            open_video(path)


def test_what_fails_leaves_no_file(tmp_path: Path) -> None:
    def stop() -> None:
        with writing_mp4(tmp_path / "clip.mp4", (48, 64), Fraction(10)) as write:
            write(pictures(1, 48, 64)[0], 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(VosbenchError, match=r"cannot write a video as clip\.avi"):
        require_mp4(Path("clip.avi"))
