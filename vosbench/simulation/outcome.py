"""What is known of simulated strategies. Free of torch, so that tables and figures can be made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vosbench.base.words import TRUSTED, count, data_title
from vosbench.datasets import unpublished
from vosbench.errors import VosbenchError

TRACES = Path(".vosbench") / "traces"  # where recorded keys are kept


@dataclass(frozen=True)
class Outcome:
    """One strategy on one sequence.

    Per read, that is for each frame after the first annotated one: `retained`, the share of the attention that the
    unbounded reference memory pays in this frame (softmax weights of its top k, summed over all query pixels and all
    groups of objects with the same first frame) to tokens, by frame and position, that this strategy holds too; and
    `hit_age`, the mean age in frames of the tokens among this strategy's own top k.

    Per frame of the video: `tokens` held after it. Per write but the first: how many tokens were `evicted`.
    """

    spec: str
    sequence: str
    tokens_per_frame: int
    retained: tuple[float, ...]
    hit_age: tuple[float, ...]
    tokens: tuple[int, ...]
    evicted: tuple[int, ...]


@dataclass(frozen=True)
class Conditions:
    """What a simulation depends on. `sequences` are those that were simulated, and `faulty` those that could not be.

    `shorter_side` of frames at inference, in pixels (None: each video's own). `trust_masks`: they were taken as they
    are, though they may look smoothed. `source_hashes`: of the settings, by spec. `checkpoint_hash` in hexadecimal.
    """

    dataset: str
    split: str
    frame_mode: str
    sequences: tuple[str, ...]
    partial: bool
    model: str
    checkpoint_hash: str
    device: str
    top_k: int
    affinity: str
    shorter_side: int | None
    reference: str
    source_hashes: Mapping[str, str]
    faulty: tuple[str, ...] = ()
    trust_masks: bool = False

    @property
    def text(self) -> str:
        """All of it but the settings, in words."""
        why = ["sequences were left out"] * self.partial + [f"faulty: {', '.join(self.faulty)}"] * bool(self.faulty)
        number = count(len(self.sequences), "sequence") + (f", PARTIAL: {'; '.join(why)}" if why else "")
        other = unpublished(self.dataset, self.split, 0 if self.partial else len(self.sequences), self.sequences)
        keys = f"simulated with the keys of {self.model} ({self.checkpoint_hash[:8]}), {self.affinity} affinity"
        side = "" if self.shorter_side is None else f", shorter side {self.shorter_side}"
        data = data_title(self.dataset, self.split, self.frame_mode), number, other, TRUSTED * self.trust_masks
        return "; ".join(filter(None, (*data, f"{keys}, top-{self.top_k}{side}")))


@dataclass(frozen=True)
class Simulation:
    """The outcomes, in the order of settings, then sequences; the settings that broke the contract of a strategy, by
    spec, which have none; and the sequences that could not be read, by name.
    """

    conditions: Conditions
    outcomes: tuple[Outcome, ...]
    faults: Mapping[str, VosbenchError]
    faulty: Mapping[str, VosbenchError]
