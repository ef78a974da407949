"""What a run is asked to do: plain values, so that it can be written down and hashed. In TOML, a suite names several
data sets, strategies with sweeps, and seeds, and is spelt out into what one run each does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from vosbench.base.settings import find, read_toml, shipped
from vosbench.base.values import Count, Side, Threads, build, checked, conform
from vosbench.base.words import size_in_bytes
from vosbench.datasets import DATASETS
from vosbench.errors import VosbenchError, unknown
from vosbench.memory.spec import PolicySpec, parse_policies
from vosbench.models.affinity import Metric
from vosbench.models.precision import Precision

# Fields that no result depends on. Every other does determine results, unless it is put here.
INCIDENTAL = frozenset(
    {"name", "root", "policies", "seeds", "controls", "jobs", "sequences", "exclude", "limit", "shard", "timing"}
    | {"keep_memory_trace"}
)
SHIPPED = Path(__file__).parent / "suites"
shipped_suites = partial(shipped, SHIPPED)  # their names, and the first line of each
# Of no use to another data set.
OF_DATA = ("root", "split", "frame_mode", "protocol", "sequences", "exclude", "limit", "shard")
EXAMPLE = 'write policies = ["every-k:k=5", { name = "lfu", capacity = [2, 4] }]'
DEFAULT_POLICIES = ("every-k:k=5", "first-and-latest", "lfu:capacity=2")


@dataclass(frozen=True)
class Suite:
    """A data set, a model and the strategies to compare. The defaults are the embedded ones: nothing is downloaded.

    `sequences`, `exclude`, `limit` and `shard` leave sequences out (`Dataset.only`), and the result is then marked
    partial; runs of several choices into one folder add up, and those of shards may go on at the same time.
    `trust_masks` takes masks as they are, though they look smoothed. Without `score` masks are made and not scored.
    `shorter_side` is that of frames at inference, in pixels (None: the data set's; 0: their own); `top_k` and
    `affinity` say how memory is read (None: as the model is used with), `precision` in what the model computes,
    `memory_limit` how much memory a run takes at most beside model and libraries, such as "4GB", kept in bytes (None:
    what there is): a strategy that needs more fails. `jobs` are the processes that score while inference goes on, no
    more than cores. `threads` are those of the model on a CPU, which round differently in different numbers (None:
    torch's own number). Strategies go through a sequence together, which takes less time than one after the other; in
    the sequences of `timing`, the first, all or none, each goes alone, to be timed, `repeats` times by turns, while no
    other process of vosbench is at work on the machine. Without `timing` it is the first, and times taken beside others
    are marked.
    `keep_memory_trace` keeps what each held beside its records, for `vosbench report`. Each strategy that has a
    parameter `seed`, and is given none, runs with every one of `seeds`. `name` is that of the file it was read from.

    Raises VosbenchError for a value of another type, or too small.
    """

    dataset: str | Path = "synthetic"
    root: Path | str | None = None
    split: str | None = None
    frame_mode: str | None = None
    policies: tuple[str | Path | PolicySpec, ...] = DEFAULT_POLICIES
    seeds: tuple[int, ...] | None = None
    model: str | Path = "stcn-tiny"
    device: str = "cpu"
    top_k: Count | None = None
    affinity: Metric | None = None
    precision: Precision = "fp32"
    memory_limit: str | int | None = None
    shorter_side: Side | None = None
    protocol: str | Path | None = None
    score: bool = True
    sequences: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    trust_masks: bool = False
    limit: int | None = None
    shard: str | None = None
    controls: bool = True
    jobs: Count = 1
    threads: Threads | None = None
    timing: Literal["first", "all", "none"] | None = None
    repeats: Count = 1
    keep_memory_trace: bool = False
    name: str = "default"

    def __post_init__(self) -> None:
        conform(self)
        if self.timing == "none" and self.repeats > 1:
            raise VosbenchError("repeats time a strategy better, and none is timed", 'give timing "first" or "all"')
        if self.seeds == ():
            raise VosbenchError("seeds are an empty list", "write seeds = [0, 1, 2] (--seeds 0,1,2), or leave it out")
        if self.memory_limit is not None:
            object.__setattr__(self, "memory_limit", size_in_bytes(self.memory_limit))
        if self.root is not None:
            object.__setattr__(self, "root", Path(self.root))

    def strategies(self) -> tuple[PolicySpec, ...]:
        """The strategies to compare, one for each seed. Raises as `parse_policies`, and for seeds that none takes."""
        specs = [PolicySpec.parse(policy) for policy in self.policies]
        axes = [{"seed": self.seeds} if self.seeds and spec.takes("seed") else {} for spec in specs]
        if self.seeds and not any(axes):
            raise VosbenchError("seeds are given, but no strategy takes one", "take seeds away (--seeds)")
        return parse_policies(varied for spec, axis in zip(specs, axes, strict=True) for varied in spec.sweep(axis))

    def as_json(self) -> dict[str, Any]:
        """The suite as records hold it: without the places of data and weights, which a machine has for itself."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "root"}
        policies = self.strategies() if self.seeds else self.policies
        values |= {"policies": [str(policy) for policy in policies], "model": Path(self.model).name}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


KEYS = {field.name for field in fields(Suite)} - {"name"}  # of a file, beside [[data]]


@checked('vosbench.read_suites("night.toml")')
def read_suites(name: str | Path) -> tuple[Suite, ...]:
    """The suites, one for each data set, of the file that ships under `name` (see `shipped_suites`), or of a path.

    A key is a field of `Suite` or one more: `[[data]]`, a table for each data set, holds what differs from one to the
    next, and `split` may be a list there and above: a run for each. A strategy is a spec, or a table of its name, its
    label and its parameters, in which a list of values is a sweep over them.

    Raises VosbenchError for a missing file, broken TOML, an unknown key, a value of the wrong type, and as
    `Suite.strategies` does.
    """
    path = find(name, SHIPPED, "suite")
    table = read_toml(path, "top_k = 20")
    entries = table.pop("data", [{}])
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise VosbenchError(f"{path.name}: data must be tables", "write [[data]] above each data set")
    if strange := next((key for entry in entries for key in entry if key not in KEYS), None):
        raise unknown(f"setting in {path.name} [[data]]", strange, KEYS)
    suites = []
    for settings in ({**table, **entry} for entry in entries):
        settings["policies"] = tuple(_policies(settings.get("policies", list(DEFAULT_POLICIES)), path.name))
        splits = settings.get("split")
        for split in splits if isinstance(splits, list) else [splits]:
            suites.append(build(Suite, settings | {"split": split}, path.name, name=path.stem))
            suites[-1].strategies()
    return tuple(suites)


def override(
    suites: Sequence[Suite], dataset: str | None, roots: Sequence[str], asked: Mapping[str, Any]
) -> tuple[Suite, ...]:
    """`suites` as the command line wants them.

    `dataset` takes its suites out of several, or takes the place of all. `roots` are folders, for all data sets, or
    NAME=FOLDER for one. What else of `asked` is a field of `Suite`, and not None, is for all. Raises VosbenchError for
    a root of another data set.
    """
    changes = {key: asked[key] for key in KEYS - {"dataset", "root"} if asked.get(key) is not None}
    if dataset is not None:
        chosen = [suite for suite in suites if suite.dataset == dataset]
        nothing: dict[str, Any] = dict.fromkeys(OF_DATA)
        suites = chosen or [replace(suites[0], dataset=dataset, **nothing)]
    folders: dict[str, Path] = {}
    for text in roots:
        name, equals, folder = text.partition("=")
        if equals and not Path(text).is_dir():
            DATASETS.find(name)
            if name not in (names := [str(suite.dataset) for suite in suites]):
                raise VosbenchError(f"--root {text}: the suite has no data set {name}", f"it has {', '.join(names)}")
            folders[name] = Path(folder)
        else:
            folders = {str(suite.dataset): Path(text) for suite in suites} | folders
    return tuple(replace(suite, root=folders.get(str(suite.dataset)) or suite.root, **changes) for suite in suites)


def _policies(entries: Any, file: str) -> Iterator[PolicySpec]:
    """The strategies that a file names, every combination of a sweep one."""
    if not isinstance(entries, list):
        raise VosbenchError(f"{file}: policies must be a list, not {entries!r}", EXAMPLE)
    for entry in entries:
        if isinstance(entry, str):
            yield PolicySpec.parse(entry)
            continue
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise VosbenchError(f"{file}: a strategy has no name: {entry!r}", EXAMPLE)
        policy = PolicySpec.parse(entry["name"])
        label = entry.get("label", policy.label)
        if not isinstance(label, str | None):
            raise VosbenchError(f"{file}: a label must be text, not {label!r}", 'write label = "Mine"')
        axes = {key: _values(key, value, file) for key, value in entry.items() if key not in ("name", "label")}
        yield from replace(policy, label=label).sweep(axes)


def _values(key: str, value: Any, file: str) -> list[Any]:
    """The values of a sweep over one parameter."""
    values = value if isinstance(value, list) else [value]
    if value == []:
        raise VosbenchError(f"{file}: {key} is an empty list", EXAMPLE)
    if not all(type(v) in (bool, int, float, str) for v in values):
        raise VosbenchError(f"{file}: {key} must be a number, text, true or false, or a list of these", EXAMPLE)
    return values
