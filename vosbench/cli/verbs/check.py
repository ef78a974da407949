"""check: every fault of masks, a data set, a strategy or a network."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from vosbench.base.words import count
from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.cli.verbs import Answer, Verb
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.masks.check import check_predictions, truth_problems
from vosbench.metrics.protocols import find_protocol


def check(
    predictions: Annotated[
        Path | None, Argument(help="folder with SEQUENCE/FRAME.png to check; default: the data set itself")
    ] = None,
    file: Annotated[
        str | None,
        Argument(help="after the word policy: NAME, NAME:KEY=VALUE,… or FILE.py; after model: FILE.py, weights"),
    ] = None,
    *,
    dataset: Annotated[str | None, Option(help="data set; `vosbench list datasets` names them")] = None,
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    protocol: options.Protocol = None,
    sequences: options.Sequences = None,
    exclude: options.Exclude = None,
    trust_masks: options.TrustMasks = None,
    limit: options.Limit = None,
    jobs: options.ManyJobs = None,
) -> Answer:
    """Find everything that is wrong with predicted masks, a data set on disk, a strategy or a network; exit status 2
    if anything is. A warning tells of what is odd and changes no result by itself; for it alone the status is 0.

    `vosbench check policy ./idea.py` puts a strategy through the contract, `vosbench check model ./mynet.py` a network:
    every fault with file and line.
    """
    if str(predictions) in ("policy", "model") and dataset is None:
        return _check_contract(str(predictions), file)
    if file is not None or dataset is None:
        what = "check needs --dataset, or the word policy and a strategy, or the word model and a network"
        raise VosbenchError(what, "e.g. vosbench check --dataset davis2017 --root DAVIS, or check policy ./idea.py")
    data = open_dataset(dataset, root, split, frame_mode=frame_mode, trust_masks=bool(trust_masks))
    data = data.only(sequences, limit, exclude)
    names = data.sequence_names()
    with CountProgress("sequence") as progress:
        if predictions is not None:
            problems = check_predictions(predictions, data, protocol, jobs, progress)
        else:
            problems, rules = [], find_protocol(protocol or data.default_protocol)
            for done, name in enumerate(names, 1):
                found = data.sequence_problems(name)
                problems += found if any(not p.warning for p in found) else found + truth_problems(data, name, rules)
                progress(done, len(names))
    options.print_problems(problems)
    of = f"{data.name} {data.split}"
    subject = f"{predictions} for {of}" if predictions else f"{of} in {data.root}"
    where = f"{subject}: {count(len(names), 'sequence')}{', PARTIAL' if data.is_partial else ''}"
    faults = sum(not problem.warning for problem in problems)
    outcome = count(faults, "problem") if faults else "sound"
    warned = f", {count(len(problems) - faults, 'warning')}" if len(problems) > faults else ""
    print(f"{where}, {outcome}{warned}", file=sys.stderr)
    conditions = options.conditions(
        data, protocol=protocol or data.default_protocol, predictions=None if predictions is None else str(predictions)
    )
    shown = [{"path": str(p.path), "message": p.message, "hint": p.hint, "warning": p.warning} for p in problems]
    return Answer(conditions, {"problems": shown}, 2 if faults else 0)


def _check_contract(kind: str, file: str | None) -> Answer:
    """Put a strategy or a network through its contract."""
    if file is None:
        raise VosbenchError(f"check {kind} needs a name or a file", f"e.g. vosbench check {kind} ./mine.py")
    faults: Sequence[VosbenchError]
    if kind == "policy":
        from vosbench.memory import contract
        from vosbench.memory.spec import PolicySpec

        checks, faults = len(contract.CHECKS), contract.check_contract(PolicySpec.parse(file).build)
    else:
        from vosbench.models import contract as of_models
        from vosbench.models.checkpoint import read_checkpoint

        checks, faults = len(of_models.CHECKS), of_models.check_model(read_checkpoint(file).build)
    for fault in faults:
        print(fault.message + (f"\n  hint: {fault.hint}" if fault.hint else ""))
    outcome = count(len(faults), "problem") if faults else "sound"
    print(f"{file}: {count(checks, 'check')}, {outcome}", file=sys.stderr)
    problems = [{"message": fault.message, "hint": fault.hint} for fault in faults]
    return Answer({kind: file, "checks": checks}, {"problems": problems}, 2 if faults else 0)


VERB = Verb(
    check,
    "vosbench check masks/ --dataset davis2017 --root DAVIS --split val",
    {"policy": "vosbench check policy ./idea.py:k=2", "model": "vosbench check model ./mynet.py"},
)
