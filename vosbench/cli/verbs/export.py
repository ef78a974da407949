"""export: pack masks for the server of a data set."""

from pathlib import Path
from typing import Annotated

from vosbench.base.words import count
from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.cli.verbs import Answer, Verb
from vosbench.datasets import open_dataset
from vosbench.masks.export import UnfitMasksError
from vosbench.masks.export import export as export_masks


def export(
    predictions: options.Predictions,
    dataset: options.DatasetName,
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    trust_masks: options.TrustMasks = None,
    out: Annotated[Path, options.output(help="the zip file to write")] = Path("submission.zip"),
    overwrite: options.Overwrite = False,
    jobs: options.ManyJobs = None,
) -> Answer:
    """Pack masks for the server of a data set whose ground truth is private, after checking all of them."""
    options.require_new(out, overwrite)
    data = open_dataset(dataset, root, split, frame_mode=frame_mode, trust_masks=bool(trust_masks))
    try:
        with CountProgress("sequence") as progress:
            files = export_masks(predictions, data, out, jobs, progress)
    except UnfitMasksError as error:
        if len(error.problems) > 1:  # a single one is the error's own text
            options.print_problems(error.problems)
        raise
    names = data.sequence_names()
    held = f"{count(files, 'file')} with the masks of {count(len(names), 'sequence')}"
    print(f"{out} holds {held} of {data.name} {data.split}")
    return Answer(
        options.conditions(data, server=data.server, predictions=str(predictions)),
        {"archive": str(out), "files": files, "sequences": list(names)},
    )


VERB = Verb(export, "vosbench export masks/ --dataset davis2017 --root DAVIS --split test-dev --out submission.zip")
