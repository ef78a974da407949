"""The record of one strategy on one sequence: all that a table or a figure needs, so that nothing is run again.

A run folder holds one JSON file of each under `records/`; one that exists is complete. Older schemas are upgraded.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vosbench.base.atomic import replacing
from vosbench.base.codec import encode
from vosbench.base.text import read_text
from vosbench.base.values import build, checked
from vosbench.bench.migrations import OLDEST, upgrade
from vosbench.errors import VosbenchError, a_few
from vosbench.memory.strategy import Strategy
from vosbench.metrics.statistics import Statistics

SCHEMA = 9
RUNS = Path(".vosbench") / "runs"  # where runs are kept that were given no folder
DATA_ROOT = ".data-root"  # the file of a run's folder that says where its data set is on this machine
_AGAIN = "delete the file and repeat the run"


@dataclass(frozen=True)
class DatasetInfo:
    """The data: `frame_mode` as the data set calls what was shown (empty: it has one), `fingerprint` of the files
    (empty: see the records), `sequences` that the run goes through, `in_split` those of the split (0: not known).
    """

    name: str
    split: str
    frame_mode: str
    fingerprint: str = ""
    sequences: int = 0
    in_split: int = 0


@dataclass(frozen=True)
class PolicyInfo(Strategy):
    """The memory strategy of a run, a reference (`MemoryPolicy.is_reference`), or a control that runs no model.

    `spec` is its text with the parameters given, `label` what tables and figures call it, by default the same; both are
    unique in a run. `source_hash` is that of its source code, `position` its place in the run, from 0.
    """

    spec: str
    label: str
    source_hash: str
    kind: Literal["strategy", "reference", "control"]
    position: int

    @property
    def text(self) -> str:
        """The text that gives the strategy and its label."""
        return self.spec if self.label == self.spec else f"{self.label}={self.spec}"


@dataclass(frozen=True)
class ModelInfo:
    """The shared model; `checkpoint_hash` in hexadecimal, `precision` such as `fp32`."""

    name: str
    checkpoint_hash: str
    precision: str


@dataclass(frozen=True)
class Settings:
    """How the model was used: `top_k` affinities kept (None: all), `shorter_side` in pixels (None: the video's own)."""

    top_k: int | None
    shorter_side: int | None
    affinity: str


@dataclass(frozen=True)
class Environment:
    """Where it ran: `machine` is the processor's name, `device` the name of what computed, `threads` torch's."""

    machine: str
    platform: str
    device: str
    threads: int
    python: str
    torch: str
    numpy: str
    commit: str | None
    dirty: bool | None


@dataclass(frozen=True)
class ObjectRecord:
    """Scores of an object in `frames` frames, with their series or none; `f`: None without F; `own`: the protocol's."""

    object_id: int
    frames: int
    j: Statistics
    f: Statistics | None
    j_per_frame: tuple[float, ...] = ()
    f_per_frame: tuple[float, ...] = ()
    own: Mapping[str, float] = field(default_factory=dict)
    frame_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("j_per_frame", "f_per_frame", "frame_names"):
            if len(series := getattr(self, name)) not in (0, self.frames):
                raise ValueError(f"{name} holds {len(series)} values for {self.frames} scored frames")


@dataclass(frozen=True)
class Scores:
    """The scores of a sequence under `protocol`."""

    protocol: str
    objects: tuple[ObjectRecord, ...]

    def __post_init__(self) -> None:
        ids = [score.object_id for score in self.objects]
        if not ids or len(set(ids)) != len(ids):
            raise ValueError(f"objects must be one or more, each id once, not {ids}")


@dataclass(frozen=True)
class Timing:
    """The time that one pass over a sequence took, its first annotated frame included.

    `model_seconds`, synchronised with the device, are those in model, memory and strategy, and `stages` splits them;
    `end_to_end_seconds` add reading and writing. `latency_ms` is each frame's share of the former, `objects` how many
    were followed in it; `warmup_frames` ran before the clock. `cpu_ms` is the CPU time of each frame (none on a GPU),
    `reference_ms` that of fixed work after it (older: none). `shared`: vosbench did more at a time.
    """

    model_seconds: float
    end_to_end_seconds: float
    stages: Mapping[str, float]
    latency_ms: tuple[float, ...]
    objects: tuple[int, ...]
    warmup_frames: int
    cpu_ms: tuple[float, ...] = ()
    reference_ms: tuple[float, ...] = ()
    shared: bool = False

    def __post_init__(self) -> None:
        for name, series in (("cpu_ms", self.cpu_ms), ("reference_ms", self.reference_ms)):
            if len(series) not in (0, len(self.latency_ms)):
                raise ValueError(f"{name} holds {len(series)} values for {len(self.latency_ms)} frames")
        if not self.latency_ms or len(self.objects) != len(self.latency_ms):
            raise ValueError(f"latency_ms holds {len(self.latency_ms)} frames and objects {len(self.objects)}")
        if not (self.model_seconds > 0 and self.end_to_end_seconds > 0 and min(self.stages.values(), default=0) >= 0):
            raise ValueError("model_seconds, end_to_end_seconds and stages must be positive")
        if sum(self.stages.values()) > self.model_seconds * 1.001:
            raise ValueError(f"stages take {sum(self.stages.values())} s of {self.model_seconds} model_seconds")

    @property
    def frames(self) -> int:
        """Number of frames timed."""
        return len(self.latency_ms)


@dataclass(frozen=True)
class Memory:
    """The bank: `tokens` after each frame, `tokens_per_frame` of this video; most bytes of keys and values, and of the
    process on the device (None: not measured, as on a CPU, or of several strategies together).
    """

    tokens: tuple[int, ...]
    tokens_per_frame: int
    bytes_peak: int
    device_bytes_peak: int | None = None

    def __post_init__(self) -> None:
        if not self.tokens or min(self.tokens) < 0 or self.tokens_per_frame < 1:
            raise ValueError("tokens and tokens_per_frame must be positive")

    @property
    def frames(self) -> tuple[float, ...]:
        """Frames in memory after each frame of the video."""
        return tuple(count / self.tokens_per_frame for count in self.tokens)


@dataclass(frozen=True)
class Failure:
    """Why a strategy has no result on a sequence: `reason` in one line, after it had segmented `frames` frames (None:
    nobody knows). The peaks are those of `Memory`, as far as it got. `cause` is at fault; a sequence is for all.
    """

    reason: str
    frames: int | None
    bytes_peak: int
    device_bytes_peak: int | None = None
    cause: Literal["strategy", "sequence"] = "strategy"


@dataclass(frozen=True)
class RunRecord:
    """One strategy on one sequence. `identity` is the hash, in hexadecimal, of all that determines the result,
    `conditions` that of all but strategy and sequence, `fingerprint` that of the sequence's files (empty: see
    `dataset`), `masks` that of the masks that were written. `suite` holds the suite that asked for it, as JSON values.
    `scores` is None where there are none, and `unscored` says why in one line (None: not known, as in older records).
    `timings` has an entry per repetition, none where several strategies went through the sequence `together`; a
    control, which runs no model, has neither these nor `memory`, and what has a `failure` has nothing else.
    `attributes` are those of the sequence by its data set; `partial`: what was asked for leaves out some of the split.
    Masks that no run made have no model, settings and environment.
    """

    identity: str
    conditions: str
    run: str
    suite: Mapping[str, Any]
    dataset: DatasetInfo
    sequence: str
    policy: PolicyInfo
    model: ModelInfo | None
    settings: Settings | None
    environment: Environment | None
    masks: str | None
    scores: Scores | None
    timings: tuple[Timing, ...]
    memory: Memory | None
    failure: Failure | None = None
    attributes: tuple[str, ...] = ()
    unscored: str | None = None
    partial: bool = False
    fingerprint: str = ""
    together: int = 1
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        for name in ("identity", "conditions"):
            if not re.fullmatch(r"[0-9a-f]{8,}", getattr(self, name)):
                raise ValueError(f"{name} must be a hexadecimal hash, not {getattr(self, name)!r:.60}")
        if self.policy.kind == "control" and (self.timings or self.memory):
            raise ValueError("timings and memory must be empty for a control")
        if self.timings and self.together > 1:
            raise ValueError(f"timings must be of a strategy alone, not of {self.together} together")
        if self.failure and (self.masks or self.scores or self.timings or self.memory or self.unscored):
            raise ValueError("what failed has neither masks, scores, timings nor memory")
        for timing in self.timings:
            if self.memory and timing.frames != len(self.memory.tokens):
                raise ValueError(f"a timing has {timing.frames} frames, memory {len(self.memory.tokens)}")

    @property
    def objects(self) -> tuple[ObjectRecord, ...]:
        """The scores of its objects, if it has some."""
        return self.scores.objects if self.scores else ()

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values; a NaN becomes null."""
        return {"schema": self.schema} | encode(self)

    @classmethod
    def from_json(cls, data: Any, origin: str = "record") -> "RunRecord":
        """The record that `to_json` gave. Raises VosbenchError, naming `origin` and the field, on anything else."""
        schema = data.get("schema") if isinstance(data, dict) else None
        if type(schema) is not int:
            raise VosbenchError(f"{origin} is not a record of vosbench: it has no schema number", _AGAIN)
        if not OLDEST <= schema <= SCHEMA:
            reads = f"{origin} has schema {schema}, this vosbench reads schemas {OLDEST} to {SCHEMA}"
            raise VosbenchError(reads, "install a newer vosbench" if schema > SCHEMA else _AGAIN)
        try:
            return build(cls, upgrade(data, SCHEMA), origin)
        except VosbenchError as error:
            raise VosbenchError(error.message, _AGAIN) from None


def write_record(path: Path, record: RunRecord) -> None:
    """Write a record: readers see the old file or the whole new one, whatever happens. Raises VosbenchError."""
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in record.to_json().items())
    with replacing(path, "record", durable=True) as temporary:
        temporary.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def read_record(path: Path) -> RunRecord:
    """The record in `path`. Raises VosbenchError if it is missing, truncated, not a record or of another schema."""
    try:
        data = json.loads(read_text(path, "check the path of the run"))
    except ValueError as error:
        raise VosbenchError(f"record {path} is truncated or not JSON: {error}", _AGAIN) from None
    return RunRecord.from_json(data, f"record {path}")


@checked('vosbench.read_run(".vosbench/runs/NAME")')
def read_run(folder: Path | str) -> tuple[RunRecord, ...]:
    """Every record of a run, strategies in its order, then sequences by name. Raises VosbenchError if one is broken."""
    folder = Path(folder)
    if not folder.is_dir():
        state = "is no folder" if folder.exists() else "does not exist"
        raise VosbenchError(f"run {folder} {state}", "give the folder that `vosbench run` wrote")
    records = [read_record(path) for path in sorted((folder / "records").rglob("*.json"))]
    if not records:
        if inner := [str(path.parent) for path in sorted(folder.glob("*/records"))]:
            raise VosbenchError(f"{folder} is no run, but holds {a_few(inner)}", f"name one, or all: {folder}/*")
        raise VosbenchError(f"run {folder} holds no records", f"`vosbench run` or `score {folder} --out DIR` makes one")
    return tuple(sorted(records, key=lambda r: (r.policy.position, r.policy.spec, r.sequence)))
