"""What a run is asked to do: plain values, so that it can be written down and hashed."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from vosbench.base.values import Count, Side, conform
from vosbench.base.words import size_in_bytes
from vosbench.errors import VosbenchError
from vosbench.memory.spec import PolicySpec, parse_policies
from vosbench.models.affinity import Metric
from vosbench.models.precision import Precision

# Fields that no result depends on. Every other does determine results, unless it is put here.
INCIDENTAL = frozenset(
    {"name", "root", "policies", "seeds", "controls", "jobs", "sequences", "exclude", "limit", "shard", "timing"}
    | {"keep_memory_trace"}
)
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
    what there is): a strategy that needs more fails. `jobs` are the processes that score while inference goes on.
    `threads` are those of the model on a CPU, which round differently in different numbers (None: torch's own number).
    Strategies go through a sequence together, which takes less time than one after the other; in the sequences of
    `timing`, the first, all or none, each goes alone, to be timed, `repeats` times by turns, while no other process of
    vosbench is at work on the machine. Without `timing` it is the first, and times taken beside others are marked.
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
    threads: Count | None = None
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
