"""lru: least recently used.

Source: the classical cache policy; a token is used when it is among the top k of a query pixel, or written. The
tokens whose last use is longest ago leave; ties: fewer hits in that read. Fidelity: faithful. At small capacities
most tokens were used in the last read, so that the ties decide.
"""

import torch
from torch import Tensor

from vosbench.memory.bank import MemoryBank
from vosbench.memory.match import Match
from vosbench.memory.policy import BoundedPolicy, VideoInfo


class LRU(BoundedPolicy):
    """Score = frame of the last use, then hits in it."""

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.used = bank.add_column("used", torch.int64)
        self.hits = bank.add_column("hits", torch.int64)

    def observe(self, match: Match) -> None:
        hits = match.hits()
        self.used.values.masked_fill_(hits > 0, match.frame)
        self.hits.values.copy_(torch.where(hits > 0, hits, self.hits.values))

    def score(self, frame: int) -> Tensor:  # noqa: ARG002
        last = torch.maximum(self.used.values, self.bank.frame)
        return last * 2**32 + self.hits.values  # hits are at most the query pixels of a read, far below 2^32
