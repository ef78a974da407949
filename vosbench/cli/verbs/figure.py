"""figure: a strip of frames with the truth and each strategy's masks."""

from pathlib import Path
from typing import Annotated

from typer import Option

from vosbench.cli import options
from vosbench.cli.records import MaskFolders, SequenceName, open_pictures
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError


def figure(
    out: Annotated[Path, options.output(help="the figure to write: .png, .pdf or .svg")],
    run: MaskFolders = None,
    sequence: SequenceName = None,
    frames: Annotated[
        str | None,
        Option(help="frames by name, or by index from 0 on, with commas between; default: where strategies differ"),
    ] = None,
    number: Annotated[int | None, Option("--number", "-n", help="frames, if none are named; default: 5", min=1)] = None,
    policies: options.Policies = None,
    root: options.RootOfRun = None,
    overwrite: options.Overwrite = False,
) -> Answer:
    """Draw a strip for a paper: a column for each frame, a row for the truth and for each strategy of a run.

    Objects are in the colours of the palette; what is wrong beyond edges is outlined in white. Without
    --frames it shows those where the strategies disagree most. Masks of several runs, or of a run and of `score --out`,
    are shown together.
    """
    from vosbench.report.drawing.style import require_kind, save  # here: matplotlib takes a second
    from vosbench.report.pictures.frames import most_disputed, named
    from vosbench.report.pictures.strip import strip

    require_kind(out)
    if frames is not None and number is not None:
        raise VosbenchError("--frames names the frames, and --number says how many", "give one of them")
    options.require_new(out, overwrite)
    footage, conditions = open_pictures(run, sequence, root, policies)
    places = named(footage, frames.split(",")) if frames is not None else most_disputed(footage, number or 5)
    save(strip(footage, places), out)
    print(f"{out} shows {footage.sequence}")
    shown = [footage.frames[place].name for place in places]
    return Answer(conditions, {"figure": str(out), "frames": shown, "rows": [footage.first_row, *footage.masks]})


VERB = Verb(figure, "vosbench figure .vosbench/runs/NAME --sequence bee --frames 0,2,5 --out strip.pdf")
