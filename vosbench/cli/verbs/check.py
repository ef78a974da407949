"""check: every fault of masks, of a data set on disk, or of a strategy."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from vosbench.base.words import count
from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.cli.verbs import Answer, Verb
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.masks.check import check_predictions


def check(
    predictions: Annotated[
        Path | None, typer.Argument(help="folder with SEQUENCE/FRAME.png to check; default: the data set itself")
    ] = None,
    strategy: Annotated[
        str | None, typer.Argument(help="after the word policy: NAME, NAME:KEY=VALUE,… or FILE.py to check")
    ] = None,
    *,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="data set; `vosbench list datasets` names them")
    ] = None,
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    protocol: options.Protocol = None,
    sequences: options.Sequences = None,
    limit: options.Limit = None,
    jobs: options.ManyJobs = None,
) -> Answer:
    """Find everything that is wrong with predicted masks, a data set on disk, or a strategy; exit status 2 if it is.

    `vosbench check policy ./idea.py` puts a strategy through the contract: every fault with file, line and frame.
    """
    if str(predictions) == "policy" and dataset is None:
        return _check_policy(strategy)
    if strategy is not None or dataset is None:
        raise VosbenchError(
            "check needs --dataset, or the word policy and a strategy",
            "vosbench check --help has both ways, e.g. vosbench check policy ./idea.py",
        )
    data = open_dataset(dataset, root, split, frame_mode=frame_mode).only(options.split_names(sequences), limit)
    names = data.sequence_names()
    with CountProgress("sequence") as progress:
        if predictions is not None:
            problems = check_predictions(predictions, data, protocol, jobs, progress)
        else:
            problems = []
            for done, name in enumerate(names, 1):
                problems += data.sequence_problems(name)
                progress(done, len(names))
    options.print_problems(problems)
    subject = (
        f"{predictions} for {data.name} {data.split}" if predictions else f"{data.name} {data.split} in {data.root}"
    )
    where = f"{subject}: {count(len(names), 'sequence')}{', PARTIAL' if data.is_partial else ''}"
    print(f"{where}, {count(len(problems), 'problem')}" if problems else f"{where}, sound", file=sys.stderr)
    conditions = options.conditions(
        data, protocol=protocol, predictions=None if predictions is None else str(predictions)
    )
    found = [{"path": str(p.path), "message": p.message, "hint": p.hint} for p in problems]
    return Answer(conditions, {"problems": found}, 2 if problems else 0)


def _check_policy(spec: str | None) -> Answer:
    from vosbench.memory.contract import CHECKS, check_contract
    from vosbench.memory.spec import PolicySpec

    if spec is None:
        raise VosbenchError("check policy needs a strategy", "e.g. vosbench check policy ./idea.py")
    faults = check_contract(PolicySpec.parse(spec).build)
    for fault in faults:
        print(f"{fault.message}\n  hint: {fault.hint}")
    outcome = count(len(faults), "problem") if faults else "sound"
    print(f"{spec}: {count(len(CHECKS), 'check')}, {outcome}", file=sys.stderr)
    problems = [{"message": fault.message, "hint": fault.hint} for fault in faults]
    return Answer({"policy": spec, "checks": len(CHECKS)}, {"problems": problems}, 2 if faults else 0)


VERB = Verb(check, "vosbench check masks/ --dataset davis2017 --root DAVIS --split val")
