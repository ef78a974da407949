"""Video files: frames decoded one by one as people see them, and mp4 written.

PyAV, the binding of FFmpeg's libraries that brings them along, and not OpenCV, which is here too: OpenCV's wheels
cannot write H.264, the one kind that browsers, phones and slides play, tell no exact time of a frame, and take a broken
file for the end of the video.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vosbench.base.atomic import replacing
from vosbench.base.endings import doubt, told_size
from vosbench.base.unfetched import require_fetched
from vosbench.base.words import count
from vosbench.errors import VosbenchError

if TYPE_CHECKING:
    import av  # a sixth of a second, which only videos are to cost

VIDEOS = frozenset(
    {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".asf", ".flv", ".3gp", ".ogv", ".gif"}
    | {".ts", ".mts", ".m2ts", ".vob"}
)
CODECS = ("libx264", "libopenh264", "mpeg4")  # the first that the installed FFmpeg has; the first two write H.264
FINEST = 60_000  # parts of a second of which times are told: no codec here has a limit below it
_BT709 = {"colorspace": 1, "color_primaries": 1, "color_trc": 1, "color_range": 1}  # what players take HD for


@dataclass(frozen=True)
class VideoFile:
    """A video file whose first frame can be decoded.

    size: (height, width) in pixels, turned as the file says (phones store how they were held).
    rate: frames per second, of a variable rate the mean. time_base: seconds in a unit of time.
    promised: how many frames its header says that it has (None: it does not say), which need not be true.
    aspect: how wide a pixel is shown for its height, once it is turned; old cameras have pixels that are not square.
    """

    path: Path
    size: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    promised: int | None
    aspect: Fraction = Fraction(1)

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        """The frames in the order in which they are shown, RGB uint8 [H,W,3], each with its time from the first on, in
        units of `time_base`, ascending. Holds one frame. Raises VosbenchError at a frame that cannot be decoded, and
        where the file ends before what it promised; warns where the last frame is damaged.
        """
        frames, last_damaged = 0, False
        for rgb, time, damaged in self.decoded():
            frames, last_damaged = frames + 1, damaged
            yield rgb, time
        if last_damaged:
            warnings.warn(f"video {self.path} may be cut off: its last frame, {frames - 1}, is damaged", stacklevel=2)

    def decoded(self) -> Iterator[tuple[np.ndarray, int, bool]]:
        """The same, each with whether it is damaged: the decoder made up what the file lacks of it."""
        import av

        failure = av.FFmpegError  # a frame's generator may end with Python, when modules are empty
        begin, time, done = None, -1, 0
        try:
            with av.open(str(self.path)) as container:
                for frame in container.decode(_stream(container, self.path)):
                    begin = frame.pts if begin is None else begin
                    given = time + 1 if frame.pts is None or begin is None else frame.pts - begin
                    time = max(time + 1, given)
                    yield _turned(frame), time, frame.is_corrupt
                    done += 1
        except failure as error:
            why = f"frame {done} cannot be decoded ({_reason(error)})"
            raise _unsound(self.path, f"video {self.path} is broken: {why}") from None
        if self.promised is not None and done < self.promised and _known(self.path)[2] < self.promised:
            frames = count(self.promised, "frame")
            raise _unsound(self.path, f"video {self.path} is broken: it ends after {done} of {frames}")


def open_video(path: Path) -> VideoFile:
    """A video file, its header and its first frame read. Raises VosbenchError if it is absent, no video, empty, or
    shorter than its header says.
    """
    import av

    require_fetched(path)
    if not path.is_file():
        raise VosbenchError(f"video {path} {'is a folder' if path.is_dir() else 'does not exist'}", "check the path")
    try:
        with av.open(str(path)) as container:
            stream = _stream(container, path)
            first = next(container.decode(stream), None)
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            found = stream.time_base or 1 / rate, stream.frames or None
            aspect = stream.sample_aspect_ratio or Fraction(1)
    except av.EOFError:
        first = None
    except av.FFmpegError as error:
        raise _unsound(path, f"{path} is not a readable video ({_reason(error)})") from None
    told, size = told_size(path), path.stat().st_size
    if told is not None and size < told:
        raise _unsound(path, f"video {path} is broken: it ends after {size} of {count(told, 'byte')}")
    if first is None:
        raise _unsound(path, f"video {path} has no frames")
    height, width = _turned(first).shape[:2]
    return VideoFile(path, (height, width), rate, *found, 1 / aspect if _turns(first) % 2 else aspect)


def count_frames(path: Path) -> int:
    """How many frames a video file has that are shown, counted without decoding them. Raises as `open_video`, and if
    it ends within a frame; warns if it may be cut off.
    """
    return _known(path)[1]


@dataclass(frozen=True)
class FrameOfVideo:
    """The frame `index` of a video file."""

    path: Path
    index: int

    def __str__(self) -> str:
        return f"{self.index} of {self.path}"

    @property
    def name(self) -> str:
        """What a hash knows it by, wherever the file lies."""
        return f"{self.index} of {self.path.name}"

    @property
    def parent(self) -> Path:
        """What it is a part of."""
        return self.path

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels. Raises VosbenchError as `open_video`."""
        return _known(self.path)[0].size

    def load(self, strict: bool = False) -> np.ndarray:
        """RGB, uint8 [H,W,3]. Quick where frames are asked for in order, in one thread. Raises VosbenchError if it is
        not there, cannot be decoded, or, if `strict`, is damaged.
        """
        kept = getattr(_last, "place", None)
        if kept is None or kept[0] != self.path or kept[1] > self.index:
            kept = self.path, 0, open_video(self.path).decoded()
        _, at, frames = kept
        _last.place = None
        for rgb, _, damaged in frames:
            at += 1
            if at > self.index:
                _last.place = self.path, at, frames
                if damaged and strict:
                    raise _unsound(self.path, f"frame {self} is damaged")
                return rgb
        raise _unsound(self.path, f"video {self.path} ends before frame {self.index}")


_last = threading.local()  # the video that this thread last had a frame of, the index of its next one, and what follows


@contextmanager
def writing_mp4(
    path: Path,
    size: tuple[int, int],
    rate: Fraction,
    time_base: Fraction | None = None,
    aspect: Fraction = Fraction(1),
) -> Iterator[Any]:
    """Write an mp4 of frames of `size` (height, width), of pixels shown `aspect` times as wide as high. The block
    gets a function that takes each frame, RGB uint8 [H,W,3], and its time in units of `time_base` (None: frames at
    `rate` a second, numbered from 0).

    An odd height or width gets a row or column more, the last one again, since H.264 as all players take it has even
    ones. The file is there when the block ends well, and else not. Raises VosbenchError if it cannot be written.
    """
    import av

    height, width = size[0] + size[0] % 2, size[1] + size[1] % 2
    with replacing(path, "video") as part, av.open(str(part), "w", format="mp4") as container:
        options = {"crf": "18", "preset": "veryfast"} if codec() == "libx264" else {}
        stream: Any = container.add_stream(codec(), rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        base = time_base or 1 / rate
        stream.codec_context.time_base = base if base.denominator <= FINEST else Fraction(1, FINEST)
        for name, value in _BT709.items():
            setattr(stream.codec_context, name, value)

        def write(rgb: np.ndarray, time: int) -> None:
            even = np.pad(rgb, ((0, height - size[0]), (0, width - size[1]), (0, 0)), mode="edge")
            frame = av.VideoFrame.from_ndarray(even, format="rgb24").reformat(format="yuv420p", dst_colorspace="ITU709")
            frame.pts, frame.time_base = time, base
            container.mux(stream.encode(frame))

        yield write
        container.mux(stream.encode())


def codec() -> str:
    """The encoder with which videos are written."""
    import av

    return next(name for name in CODECS if name in av.codecs_available)


def require_mp4(path: Path) -> None:
    """Raise VosbenchError unless the name of a video to write ends in .mp4."""
    if path.suffix.lower() != ".mp4":
        raise VosbenchError(f"cannot write a video as {path}", "end the name in .mp4")


def _stream(container: "av.container.InputContainer", path: Path) -> Any:
    if not container.streams.video:
        tracks = count(len(container.streams.audio), "sound track")
        raise VosbenchError(f"{path} holds no video ({tracks})", "give another file")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _turned(frame: Any) -> np.ndarray:
    """A decoded frame as RGB, turned as its file says."""
    rgb, turns = frame.to_ndarray(format="rgb24"), _turns(frame)
    return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb


def _turns(frame: Any) -> int:
    """How many quarter turns against the clock it takes to show a decoded frame as its file says."""
    return round(frame.rotation / 90) % 4


def _known(path: Path) -> tuple[VideoFile, int, int]:
    """A video file; how many of its packets are shown, each a frame; how many frames its header counts as it goes on to
    the end, with those that it says to leave out and, in an AVI, those without a packet, where the one before stays.
    """
    try:
        stat = path.stat()
    except OSError:
        return _read(path)
    return _read(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(64)
def _read(path: Path, *_: int) -> tuple[VideoFile, int, int]:
    """Kept as long as the file has this size and time, since each of its frames asks for it."""
    import av

    video = open_video(path)
    try:
        with av.open(str(path)) as container:
            packets = (packet for packet in container.demux(_stream(container, path)) if packet.size)
            told = [(packet.is_discard, packet.is_corrupt, packet.dts or 0) for packet in packets]
            is_avi = container.format.name == "avi"
    except av.FFmpegError as error:
        raise _unsound(path, f"{path} is not a readable video ({_reason(error)})") from None
    if told and told[-1][1]:
        of = f" of {video.promised}" if video.promised else ""
        raise _unsound(path, f"video {path} is broken: it ends in the middle of frame {len(told) - 1}{of}")
    if why := doubt(path):
        warnings.warn(f"video {path} may be cut off: {why}", stacklevel=2)
    shown = sum(not discarded for discarded, _, _ in told)
    counted = max(len(told), told[-1][2] + 1 if told and is_avi else 0)
    return video, shown, counted


def _reason(error: Any) -> str:
    """What FFmpeg says, without the number and the name of the file."""
    return str(error.strerror or error).rstrip(".")


def _unsound(path: Path, what: str) -> VosbenchError:
    return VosbenchError(what, f"make it again, e.g. ffmpeg -i {path.name} -c:v libx264 new.mp4")
