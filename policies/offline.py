"""offline: evict what will be needed least, seen from the end of the video.

Source: a reference, after Belady, "A Study of Replacement Algorithms for Virtual-Storage Computers", 1966. Before the
video starts, the memory of every `every`-th frame, unbounded, is replayed from the keys of all frames; a token's
future worth at a write is the softmax mass that it has in the later reads of that replay, over all object groups;
the tokens of least future worth leave, greedily. It cheats with the future, and is no upper bound on J&F: once a
token has left, substitutes enter the top k, which the replay knows nothing of. Its replay counts in the time of the
first frame.
"""

from bisect import bisect_left

import torch
from torch import Tensor

from vosbench.memory.attention import sums, top_k_softmax
from vosbench.memory.bank import MemoryBank
from vosbench.memory.policy import BoundedPolicy, LookAhead, VideoInfo


class Offline(BoundedPolicy):
    """Score = attention mass still to come."""

    needs_future = True

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        assert video.future is not None  # it was asked for
        self.coming, self.row = self._replay(video.future)

    def score(self, frame: int) -> Tensor:
        return self.coming[frame][self.row[self.bank.frame], self.bank.position]

    def _writes(self, future: LookAhead) -> list[int]:
        """The frames that this schedule writes."""
        writes: list[int] = []
        for t in range(future.annotated[0], len(future.tokens) - 1):
            if t in future.annotated or t - writes[-1] >= self.every:
                writes.append(t)
        return writes

    def _replay(self, future: LookAhead) -> tuple[dict[int, Tensor], Tensor]:
        """Per written frame t the mass that each token [written frames,P] has in the reads after t; a frame's row."""
        frames, positions = future.tokens.key.shape[:2]
        written = self._writes(future)
        held = torch.tensor(written, device=future.tokens.key.device, dtype=torch.int64)
        row = torch.zeros(frames, dtype=torch.int64, device=held.device)
        row[held] = torch.arange(len(held), device=held.device)
        mass, coming = torch.zeros(len(held), positions, device=held.device), {}
        for t in range(frames - 1, future.annotated[0], -1):
            count = bisect_left(written, t)  # frames held when t is read
            if written[count : count + 1] == [t]:
                coming[t] = mass[: count + 1].clone()
            tokens = future.tokens[held[:count]].map(lambda tensor: tensor.flatten(0, 1))
            scores = future.scores(tokens, future.queries[t])
            for first in [f for f in future.annotated if f < t]:
                earlier = (held[:count] < first).repeat_interleave(positions)
                slots, weights = top_k_softmax(scores.masked_fill(earlier, -torch.inf), future.top_k)
                now = sums(slots.flatten(), weights.flatten(), count * positions)
                mass[:count] += now.view(count, positions)
        return coming, row
