"""Options that several verbs share, and how they write their results."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer import Argument, Option

from vosbench.base import text as text_file
from vosbench.base.atomic import check_writable, writing
from vosbench.base.values import MOST_THREADS
from vosbench.base.words import count
from vosbench.errors import VosbenchError, a_few
from vosbench.memory.grammar import several

if TYPE_CHECKING:
    from vosbench.datasets import Dataset, Problem

STDOUT = Path("-")
MOST = 10  # sequences of which it is said why they are not scored


def sequence_names(values: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names that --sequences or --exclude gave, those in files too, or None. For commas see `datasets.choice`."""
    return tuple(name for value in values for name in _in_file(value)) if values else None


def _in_file(value: str) -> list[str]:
    if not value.startswith("@"):
        return [value]
    hint = "after @ comes a file of names, one a line; name in one, too, a sequence whose own name begins with @"
    return text_file.lines(text_file.read_text(Path(value[1:]), hint))


def split_specs(values: Sequence[str] | None) -> tuple[str, ...]:
    """Lists of strategies and repeated options to strategies: `lfu:capacity=4,pin_first=true,lru` is two."""
    for value in values or ():
        if "," in value and Path(value).is_file():
            raise VosbenchError(f"the file {value} has a comma in its name, and commas part strategies", "rename it")
    return tuple(spec for value in values or () for spec in several(value))


def strategies(help: str, *names: str) -> Any:
    """An option that names strategies, with commas or repeated: `-p`, or one of other `names`."""
    return Option(*(names or ("--policies", "-p")), help=help, callback=split_specs)


Metric = Literal["l2", "dot", "cosine"]  # that of memory.attention, which would import torch
Affinity = Annotated[Metric | None, Option(help="how keys are compared; default: the model's")]
Precision = Annotated[
    Literal["fp32", "tf32", "bf16", "fp16"] | None,  # those of models.precision, which would import torch
    Option(help="in what the model computes (keys are compared in fp32); tf32 and fp16 need a GPU; default: fp32"),
]
MemoryLimit = Annotated[
    str | None,
    Option(help="what a run may take beside model and libraries, such as 4GB; a strategy that needs more fails"),
]
TopK = Annotated[int | None, Option(help="memory tokens that count for a query pixel; default: the model's", min=1)]
Predictions = Annotated[Path, Argument(help="folder with SEQUENCE/FRAME.png, the masks of any method")]
DatasetName = Annotated[str, Option(help="data set; `vosbench list datasets` names them; or a .py file with one's own")]
Root = Annotated[Path | None, Option(help="the folder of the data set; generated clips are kept there")]
RootOfRun = Annotated[Path | None, Option(help="the folder of the data set; default: where it was for the run")]
Split = Annotated[str | None, Option(help="split of the data set; default: its first, which mostly is val")]
FrameMode = Annotated[
    str | None, Option(help="480p or Full-Resolution (DAVIS), 6fps or all-frames (YouTube-VOS), 10fps or 5fps (VOST)")
]
Protocol = Annotated[str | None, Option(help="scoring rules, or a .py file with one's own; default: the data set's")]
ShorterSide = Annotated[
    int | None, Option(help="shorter side at inference, in pixels; 0: as it is; default: the data set's (folder: 480)")
]
Model = Annotated[str, Option(help="bundled weights, a .pth or .safetensors file, or a network in a .py file")]
Device = Annotated[str, Option(help="cpu or cuda")]
Threads = Annotated[
    int | None, Option(help="threads of the model on a CPU; default: torch's own", min=1, max=MOST_THREADS)
]
Sequences = Annotated[
    list[str] | None,
    Option(
        help="only these sequences, with commas or repeated, or @FILE with one a line, in quotes if it begins with #; "
        "a partial result",
        callback=sequence_names,
    ),
]
Exclude = Annotated[
    list[str] | None,
    Option(help="all but these sequences, named as in --sequences; partial too", callback=sequence_names),
]
Limit = Annotated[int | None, Option(help="only the first N sequences; the result is marked partial")]
TrustMasks = Annotated[
    bool | None, Option("--trust-masks", help="take masks that look smoothed as they are: you know that they are sound")
]
Shard = Annotated[
    str | None,
    Option(
        help="only a part of the sequences, such as 3/8: the third and every eighth that follows; shards can be run at "
        "the same time into one folder, or apart (`vosbench merge`)"
    ),
]
Policies = Annotated[list[str] | None, strategies("only these strategies, separated by commas or repeated")]
Overwrite = Annotated[bool, Option("--overwrite", help="replace what is there already")]
ManyJobs = Annotated[int | None, Option(help="processes; default: one per core, which is also the most", min=1)]


def whole_numbers(value: str | None) -> tuple[int | str, ...] | None:
    """What an option says between commas; what is no whole number stays text, for the message of who takes it."""
    parts = [] if value is None else value.split(",")
    return tuple(int(p) if p.strip().removeprefix("-").isdecimal() else p for p in parts) or None


def output(*names: str, help: str, folder: bool = False) -> Any:
    """An option that names a file to write, or a folder for files; refused before any work if that cannot be."""

    def check(param: typer.CallbackParam, path: Path | None) -> Path | None:
        if path is not None and path != STDOUT:
            check_writable(path, f"choose another {param.opts[0]}", folder)
        return path

    return Option(*names, help=help, callback=check)


def require_new(path: Path | None, overwrite: bool, option: str = "--out") -> None:
    """Raise VosbenchError, before any work, if a file is there already, or a folder that holds something."""
    if path and not overwrite and (any(path.iterdir()) if path.is_dir() else path.exists()):
        raise VosbenchError(f"{path} exists already", f"choose another {option}, or give --overwrite to replace it")


def write_text(path: Path, text: str) -> None:
    """Write a result. Raises VosbenchError where the file cannot be written."""
    with writing(path, hint="choose another file"):
        path.parent.mkdir(parents=True, exist_ok=True)
        text_file.write_text(path, text)


def conditions(data: "Dataset", **others: Any) -> dict[str, Any]:
    """The data set of a verb and whatever else its result depends on, as data."""
    return {
        "dataset": data.name,
        "split": data.split,
        "frame_mode": data.frame_mode,
        "sequences": len(data.sequence_names()),
        "partial": data.is_partial,
        "trust_masks": data.trusts_masks,
        **others,
    }


def categories(data: "Dataset") -> dict[tuple[str, int], str]:
    """The category of each object (sequence, id) of a data set; nothing where it tells none."""
    return {(name, i): category for name in data.sequence_names() for i, category in data.categories(name).items()}


def print_problems(problems: "Iterable[Problem]") -> None:
    """A line for each problem and its hint; of the same in several files of a folder the first and how many more."""
    alike: dict[object, list[Problem]] = {}
    for problem in problems:
        kind = problem.path.parent, problem.message.replace(str(problem.path), ""), problem.hint, problem.warning
        alike.setdefault(kind, []).append(problem)
    for first, *others in alike.values():
        more = f" (and {count(len(others), 'more file')} of {first.path.parent})" if others else ""
        hint = f"\n  hint: {first.hint}" if first.hint else ""
        print(f"{'warning: ' if first.warning else ''}{first.message}{more}{hint}")


def print_not_scored(reasons: Mapping[str, str], advice: Callable[[str], str]) -> None:
    """Say of sequences why they are not scored, and what to do about it; of many the first few."""
    for name, reason in islice(reasons.items(), MOST):
        print(f"vosbench: not scored: {reason}; {advice(name)}", file=sys.stderr)
    if len(reasons) > MOST:
        print(f"vosbench: not scored: {count(len(reasons) - MOST, 'more sequence')}", file=sys.stderr)


def print_unfit(reasons: Mapping[str, str], advice: Callable[[str], str]) -> None:
    """Say at the end, where the status is 2, that sequences are not scored: of those with the same hint the reason of
    the first, and which else. Of many the hints of the first few are looked at.
    """
    alike: dict[str, list[str]] = {}
    for name in islice(reasons, MOST):
        alike.setdefault(advice(name), []).append(name)
    more = [*reasons][MOST:]
    for hint, (first, *others) in alike.items():
        told, more = [*others, *more], []
        either = f"; not scored either: {a_few(told, MOST)}" if told else ""
        print(f"vosbench: error: {reasons[first]}{either}\nhint: {hint}", file=sys.stderr)


def warn_of_partial(lacks: Iterable[str]) -> None:
    """Say that what goes into a file of figures alone is partial, if anything is lacking."""
    if why := "; ".join(lacks):
        print(f"vosbench: warning: PARTIAL ({why})", file=sys.stderr)
