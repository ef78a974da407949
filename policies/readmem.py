"""readmem: a gallery of frames that differ, and the latest one.

Source: Vujasinovic et al., "READMem: Robust Embedding Association for a Diverse Memory in Unconstrained Video Object
Segmentation", BMVC 2023. Every `every`-th frame is a candidate. It enters while there is room; then it replaces the
frame whose replacement gives the largest determinant of the Gram matrix of similarities, if that grows and the
candidate's similarity to the first frame is above `least`. The first frame stays; annotated frames need no growth.
Fidelity: adapted: one gallery on the keys that all objects share; the similarity of two frames is the mean cosine
of each token with its best match in the other, both ways. Diversity rewards the motion of the camera.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.memory.attention import cosine
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.policy import LatestPolicy, VideoInfo, parameter


@dataclass
class READMem(LatestPolicy):
    """Frames of a large Gram determinant, and a temporary latest frame."""

    capacity: int = parameter(11, "frames", "size of the bank, the latest frame included", at_least=2)
    every: int = parameter(10, "frames", "distance between candidates", at_least=1)
    least: float = parameter(0.5, "", "similarity to the first frame that a candidate must have")

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        bank.bound(self.capacity * video.tokens_per_frame)
        self.gallery: list[Tensor] = []  # slots of each frame
        self.gram = torch.zeros(0, 0, dtype=torch.float64)

    def store(self, tokens: FrameTokens) -> Tensor | None:
        if not self.keeps(tokens, self.every):
            return self.bank.insert(tokens)
        place = self._place(tokens)
        if place is None:
            return self.bank.insert(tokens)
        if place < len(self.gallery):
            self.bank.free(self.gallery[place])
        self.gallery[place : place + 1] = [self.bank.insert(tokens)]
        return None

    def _place(self, tokens: FrameTokens) -> int | None:
        """Where in the gallery the frame goes, if it does; the Gram matrix follows."""
        size, room = len(self.gallery), self.capacity - 1
        found = [self._similarity(slots, tokens.key) for slots in self.gallery]
        similar = torch.stack(found).double().cpu() if found else torch.zeros(0, dtype=torch.float64)  # one wait
        if size < room:
            self.gram = torch.nn.functional.pad(self.gram, (0, 1, 0, 1))
            self._replace(self.gram, size, similar)
            return size
        changed = self.gram.repeat(size - 1, 1, 1)  # the first frame is never replaced
        for place in range(1, size):
            self._replace(changed[place - 1], place, similar)
        if not len(changed) or not (tokens.annotated or similar[0] > self.least):
            return None
        best, index = torch.linalg.det(changed).max(0)
        if not tokens.annotated and best <= torch.linalg.det(self.gram):
            return None
        self.gram = changed[index]
        return int(index) + 1

    @staticmethod
    def _replace(gram: Tensor, place: int, similar: Tensor) -> None:
        gram[place, : len(similar)] = gram[: len(similar), place] = similar
        gram[place, place] = 1

    def _similarity(self, slots: Tensor, key: Tensor) -> Tensor:
        similar = cosine(self.bank.key[slots], key)
        return (similar.amax(0).mean() + similar.amax(1).mean()) / 2
