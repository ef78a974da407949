"""novelty: of each frame the tokens that memory does not know yet.

Source: Wang et al., "SwiftNet: Real-time Video Object Segmentation", CVPR 2021: of every `every`-th frame the tenth of
the tokens that is least similar to the memory is appended; the latest frame is held until the next write. Fidelity:
adapted: similarity is the cosine of a token's key with its best match in the read of the same frame, and the trigger
is the usual schedule instead of the variation between frames. What is like nothing before is often noise.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.memory.bank import FrameTokens
from vosbench.memory.match import Match
from vosbench.memory.policy import LatestPolicy, parameter


@dataclass
class Novelty(LatestPolicy):
    """Unbounded memory of what was new, and a temporary latest frame."""

    every: int = parameter(5, "frames", "distance between frames of which tokens stay", at_least=1)
    share: float = parameter(0.1, "", "of a frame's tokens that stay, at least one", at_least=0)

    def observe(self, match: Match) -> None:
        self.best = match.groups[0].indices[:, 0]

    def store(self, tokens: FrameTokens) -> Tensor | None:
        if not self.keeps(tokens, self.every):
            return self.bank.insert(tokens)
        if tokens.annotated:
            self.bank.insert(tokens)
            return None
        similar = torch.cosine_similarity(self.bank.key[self.best], tokens.key)
        order = similar.argsort(stable=True)
        count = min(len(tokens), max(1, round(self.share * len(tokens))))
        self.bank.insert(tokens, order[:count])
        return self.bank.insert(tokens, order[count:])
