"""segment: masks and an overlay video of a video of your own."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from vosbench.base.atomic import writing
from vosbench.base.words import count
from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError
from vosbench.images import size_text, write_labels

if TYPE_CHECKING:
    from vosbench.inference.segment import Segmenting

UNFINISHED = ".unfinished"  # the file in a folder that says of which video it was left in the middle of the work


def segment(
    video: Annotated[Path, Argument(help="a video file, or a folder of frames")],
    mask: Annotated[
        list[str],
        Option(
            "--mask",
            "-m",
            help="mask of the first frame, or FRAME=FILE for a later one (from 0 on); repeatable. A PNG of the "
            "video's size: pixels are object ids, in RGB the colours of the palette, or black and white for one "
            "object, which gets the next free id",
        ),
    ],
    out: Annotated[Path, options.output(help="folder for masks/FRAME.png and the video overlay.mp4", folder=True)],
    policy: Annotated[str | None, Option("--policy", "-p", help="default: lfu:capacity=8,pin_first=true")] = None,
    model: options.Model = "stcn-tiny",
    device: options.Device = "cpu",
    top_k: options.TopK = None,
    affinity: options.Affinity = None,
    precision: options.Precision = None,
    shorter_side: Annotated[int, Option(help="shorter side of frames at inference, in pixels; 0: as they are")] = 480,
    trust_masks: options.TrustMasks = None,
    threads: options.Threads = None,
    overlay: Annotated[bool, Option(help="write overlay.mp4 beside the masks")] = True,
    overwrite: options.Overwrite = False,
) -> Answer:
    """Segment a video of any length: give it the mask of its first frame, get a mask of every frame and a video.

    Time and memory of a frame stay the same however long the video is, under any strategy with a capacity. Objects that
    appear later get a mask of their own: --mask 120=late.png.
    """
    import torch

    from vosbench.inference.segment import POLICY
    from vosbench.inference.segment import segment as start

    mark, source = out / UNFINISHED, os.fsencode(video.resolve())
    if not mark.is_file() or mark.read_bytes() != source:
        options.require_new(out, overwrite)
    if video.resolve() in ((out / "overlay.mp4").resolve(), (out / "masks").resolve()):
        raise VosbenchError(f"{video} would be overwritten", "choose another --out")
    masks: dict[int, list[Path]] = {}
    for text in mask:
        if re.match(r"-\d+=", text):
            raise VosbenchError(f"--mask {text}: frames are counted from 0", "say which one so: --mask 5=late.png")
        found = re.fullmatch(r"(\d+)=(.+)", text)
        masks.setdefault(int(found[1]) if found else 0, []).append(Path(found[2] if found else text))
    torch.set_num_threads(threads or torch.get_num_threads())
    policy = policy or POLICY
    trusted = bool(trust_masks)
    given: dict[str, Any] = {"model": model, "device": device, "shorter_side": shorter_side, "trust_masks": trusted}
    work = start(video, masks, policy, top_k=top_k, affinity=affinity, precision=precision or "fp32", **given)
    seconds, most = _carry_out(work, source, out, overlay)
    frames, objects = work.clip.count, len(work.ids)
    print(f"{out / 'masks'} holds {count(frames, 'mask')} of {count(objects, 'object')}")
    if overlay:
        print(f"{out / 'overlay.mp4'} shows them")
    held = f"{most:.1f} frame{'s' * (f'{most:.1f}' != '1.0')}"
    print(f"{frames / seconds:.1f} frames per second, at most {held} in memory")
    conditions = {
        "video": str(video),
        "size": size_text(work.clip.size),
        "rate": float(work.clip.rate),
        "policy": policy,
        "top_k": work.session.top_k,
        "affinity": work.session.model.affinity,
        "precision": work.session.model.precision,
        **given,
    }
    result: dict[str, Any] = {
        "masks": str(out / "masks"),
        "overlay": str(out / "overlay.mp4") if overlay else None,
        "frames": frames,
        "objects": list(work.ids),
        "seconds": seconds,
        "frames_in_memory": most,
    }
    return Answer(conditions, result)


def _carry_out(work: "Segmenting", source: bytes, out: Path, overlay: bool) -> tuple[float, float]:
    """Write the masks and the video; the seconds that it took, and the most frames in memory."""
    from vosbench.report.pictures import overlay as drawing
    from vosbench.video_file import writing_mp4

    clip, folder, most = work.clip, out / "masks", 0.0
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(_writing(out, source))
        show = stack.enter_context(CountProgress("frame"))
        if overlay:
            write = stack.enter_context(
                writing_mp4(out / "overlay.mp4", clip.size, clip.rate, clip.time_base, clip.aspect)
            )
        for done, (frame, prediction) in enumerate(work, 1):
            write_labels(folder / f"{frame.name}.png", prediction.mask)
            if overlay:
                write(drawing.overlay(frame.rgb, prediction.mask), frame.time)
            most = max(most, prediction.timing.tokens / prediction.timing.tokens_per_frame)
            show(done, clip.count)
    return time.monotonic() - started, most


@contextmanager
def _writing(out: Path, source: bytes) -> Iterator[None]:
    """Write into the folder, emptied before. Ending early, a file names the video. VosbenchError if it cannot."""
    with writing(out):
        (out / "masks").mkdir(parents=True, exist_ok=True)
        (out / UNFINISHED).write_bytes(source)
        for old in (*(out / "masks").glob("*.png"), out / "overlay.mp4"):  # those of a longer video would stay
            old.unlink(missing_ok=True)
        yield
        (out / UNFINISHED).unlink()


VERB = Verb(
    segment,
    "vosbench segment clip.mp4 --mask first.png --mask 5=late.png --out segmented -p lfu:capacity=8",
    again="it begins anew, at the first frame; until then the masks that were made stay in --out",
)
