"""video: a sequence of a run as a video, strategies side by side."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated

from typer import Option

from vosbench.base.words import count
from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.cli.records import MaskFolders, SequenceName, open_pictures
from vosbench.cli.verbs import Answer, Verb
from vosbench.images import size_text


def video(
    out: Annotated[Path, options.output(help="the video to write, an .mp4")],
    run: MaskFolders = None,
    sequence: SequenceName = None,
    policies: options.Policies = None,
    fps: Annotated[float, Option(help="frames per second", min=0.1, max=240)] = 12,
    root: options.RootOfRun = None,
    overwrite: options.Overwrite = False,
) -> Answer:
    """Show the masks of each strategy of a run side by side over the frames, beside the truth, as an mp4.

    Objects are in the colours of the palette; what is wrong beyond edges is outlined in white. Masks of several runs,
    or of a run and of `score --out`, are shown together.
    """
    from vosbench.report.pictures.mosaic import Mosaic  # here: matplotlib takes a second
    from vosbench.video_file import codec, require_mp4, writing_mp4

    require_mp4(out)
    options.require_new(out, overwrite)
    footage, conditions = open_pictures(run, sequence, root, policies)
    frames, strategies = len(footage.frames), [*footage.masks]
    mosaic = Mosaic.of(1 + len(strategies), *footage.frames[0].load().shape[:2])
    captions = [(footage.title(strategy), footage.accuracy(strategy)) for strategy in strategies]
    rate = Fraction(fps).limit_denominator(1001)
    with CountProgress("frame") as progress, writing_mp4(out, mosaic.canvas, rate) as write:
        for place, frame in enumerate(footage.frames):
            titles = [(f"{footage.sequence}: {footage.first_row}", frame.name), *captions]
            write(mosaic.compose(footage.drawn(place, mosaic.size), titles), place)
            progress(place + 1, frames)
    print(f"{out} shows {count(frames, 'frame')} under {', '.join(map(footage.title, strategies))}")
    form = {"rate": float(rate), "size": size_text(mosaic.canvas), "codec": codec()}
    pictures = [footage.first_row, *strategies]
    return Answer(conditions, {"video": str(out), "frames": frames, **form, "pictures": pictures})


VERB = Verb(video, "vosbench video .vosbench/runs/NAME --sequence bee --out bee.mp4")
