"""Banks whose tokens tell from which frame, position and object they are."""

import torch
from torch import Tensor

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.trial import l2
from vosbench.models.base import Spec

P = 4  # tokens per frame
SPEC = Spec("tell-tale", key_dim=2, value_dim=1)


def frame_tokens(t: int, groups: tuple[int, ...] = (1,), annotated: bool = False) -> FrameTokens:
    """Tokens whose key and values tell frame and position: key (t, p), values t + p/10 + object/100."""
    position = torch.arange(P, dtype=torch.float32)
    key = torch.stack([torch.full((P,), float(t)), position], 1)
    values, done = [], 0
    for objects in groups:
        numbers = t + position / 10
        values.append(torch.stack([numbers + (done + o) / 100 for o in range(objects)], 1)[:, :, None])
        done += objects
    return FrameTokens(t, key, tuple(values), annotated)


def make(capacity: int | None = None, frames: int = 0) -> MemoryBank:
    bank = MemoryBank(SPEC, l2, P)
    if capacity is not None:
        bank.bound(capacity)
    bank.add_group(0, 1)
    for t in range(frames):
        bank.insert(frame_tokens(t))
    return bank


def slots(*numbers: int) -> Tensor:
    return torch.tensor(numbers, dtype=torch.int64)
