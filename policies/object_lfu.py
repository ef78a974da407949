"""object-lfu: lfu that does not hold an object's absence against its tokens.

Source: ours, after the failure that the paper shows for its LFU under occlusion. As lfu, index / age, but the age of a
token counts only the frames in which its owner, the label at its position when it was written, is predicted to be
seen; a token whose owner was never seen since scores above all others. And of each owner, the background too, the
best rho * C / (O + 1) tokens leave last, where C is the capacity in tokens and O the number of objects. A false
prediction that an object is seen lets its tokens age.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.match import Match
from vosbench.memory.policy import FrequencyPolicy, VideoInfo, parameter


@dataclass
class ObjectLFU(FrequencyPolicy):
    """Hits per frame in which the owner is seen, with a quota for each owner."""

    rho: float = parameter(0.5, "", "share of the bank that is shared out as quotas", at_least=0)
    least_area: int = parameter(1, "pixels", "label of an object that is seen", at_least=1)

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.owner = bank.add_column("owner", torch.int64)
        self.seen = bank.add_column("seen", torch.int64)

    def observe(self, match: Match) -> None:
        super().observe(match)
        present = match.segmentation.areas >= self.least_area
        present[0].fill_(True)  # `present[0] = True` would wait for a GPU
        self.seen.values.add_(present[self.owner.values])

    def write(self, tokens: FrameTokens) -> None:
        super().write(tokens)
        new = self.bank.by_age()[-len(tokens) :]
        self.owner.values[new] = tokens.segmentation.owner

    def worth(self, age: Tensor) -> Tensor:  # noqa: ARG002
        worth = self.references.values.double() / self.seen.values
        return worth.masked_fill(self.seen.values == 0, torch.inf)

    def victims(self, count: int, incoming: FrameTokens) -> Tensor:
        assert self.bank.capacity is not None  # it is set by `start`
        owners = len(incoming.segmentation.masks) + 1
        quota = int(self.rho * self.bank.capacity / owners)
        worst_first = self.bank.lowest(self.score(incoming.frame), self.bank.movable)
        owner = self.owner.values[worst_first]
        sizes = (owner[:, None] == torch.arange(owners, device=owner.device)).sum(0)  # a bincount would wait for a GPU
        grouped = owner.argsort(stable=True)
        ends = sizes.cumsum(0)[owner[grouped]]
        protected = torch.zeros_like(grouped)
        protected[grouped] = (ends - torch.arange(len(grouped), device=grouped.device) <= quota).long()
        return worst_first[protected.argsort(stable=True)][:count]
