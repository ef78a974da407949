"""xmem: a working memory of frames that consolidates into a long-term memory of prototypes.

Source: Cheng and Schwing, "XMem: Long-Term Video Object Segmentation with an Atkinson-Shiffrin Memory Model", ECCV
2022. When the working memory has grown to `max_frames`, those between the first and the `min_frames` - 1 latest give
their most used tokens (usage = softmax mass / age) as `prototypes`, and leave. A prototype keeps its key; its value
is read again over all candidates, softmax over their similarity to it (potentiation). The least used prototypes
make room for new ones. Fidelity: adapted: no shrinkage, selection or sensory memory, which are learned; a
prototype's usage counts on from its frame. Prototypes are blurred.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.match import Match
from vosbench.memory.policy import MemoryPolicy, Step, VideoInfo, parameter


@dataclass
class XMem(MemoryPolicy):
    """Working memory and long-term memory."""

    every: int = parameter(5, "frames", "distance between writes", at_least=1)
    min_frames: int = parameter(5, "frames", "working memory after consolidation", at_least=2)
    max_frames: int = parameter(10, "frames", "working memory that consolidates", at_least=3)
    prototypes: int = parameter(128, "tokens", "that a consolidation makes", at_least=1)
    long_term: int = parameter(10_000, "tokens", "long-term memory", at_least=1)

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        if self.max_frames <= self.min_frames or self.long_term < self.prototypes:
            raise ValueError("max_frames must be above min_frames, and long_term not below prototypes")
        super().start(video, bank)
        bank.bound(self.max_frames * video.tokens_per_frame + self.long_term)
        self.mass = bank.add_column("mass", torch.float64)
        self.stored = bank.add_column("stored", torch.bool)  # in the long-term memory
        self.working: list[Tensor] = []  # slots of each frame
        self.stored_count = 0

    def observe(self, match: Match) -> None:
        self.mass.values.add_(match.mass())

    def admit(self, step: Step) -> bool:
        return step.since_write >= self.every

    def write(self, tokens: FrameTokens) -> None:
        self.working.append(self.bank.insert(tokens))
        if len(self.working) == self.max_frames:
            last = 1 - self.min_frames
            candidates = torch.cat(self.working[1:last])
            self.working = [self.working[0], *self.working[last:]]
            self._consolidate(candidates, self.mass.values / (tokens.frame - self.bank.frame).clamp(min=1))

    def _consolidate(self, candidates: Tensor, usage: Tensor) -> None:
        """Turn the most used candidates, int64 [n] in order of age, into prototypes; the others leave."""
        count = min(self.prototypes, len(candidates))
        excess = max(0, self.stored_count + count - self.long_term)
        if excess:
            self.bank.free(self.bank.lowest(usage.masked_fill(~self.stored.values, torch.inf), excess))
        self.stored_count += count - excess
        order = candidates[usage[candidates].argsort(stable=True, descending=True)]
        chosen, others = order[:count], order[count:]
        self.bank.potentiate(chosen, candidates)
        self.stored.values.index_fill_(0, chosen, True)
        self.bank.free(others)
