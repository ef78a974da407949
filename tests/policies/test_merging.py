"""The values of tokens that strategies compute, against plain loops."""

import math
from collections.abc import Iterator

import pytest
import torch
from plain_banks import merged
from plain_video import affinity

from vosbench.memory.bank import MemoryBank
from vosbench.memory.frame import FrameTokens, Segmentation
from vosbench.memory.policy import MemoryPolicy, VideoInfo
from vosbench.memory.spec import load_policy
from vosbench.memory.trial import l2
from vosbench.models.base import Spec

P, CK, CV = 5, 4, 3


def frames(seed: int, count: int, later: int) -> Iterator[FrameTokens]:
    """Frames of random tokens; one object from frame 0, two more from `later`."""
    generator = torch.Generator().manual_seed(seed)
    for t in range(count):
        groups = (1,) if t < later else (1, 2)
        values = tuple(torch.randn(P, objects, CV, generator=generator) for objects in groups)
        masks = torch.zeros(sum(groups), 16, 16 * P)
        yield FrameTokens(
            t,
            torch.randn(P, CK, generator=generator),
            values,
            annotated=t in {0, later},
            segmentation=Segmentation(masks),
        )


def begin(spec: str, count: int) -> tuple[MemoryPolicy, MemoryBank]:
    policy, bank = load_policy(spec), MemoryBank(Spec("noise", CK, CV), l2, P)
    policy.start(VideoInfo("noise", count, P), bank)
    return policy, bank


def test_prototypes_average_the_candidates_that_their_group_may_see():
    policy, bank = begin("xmem:every=1,min_frames=2,max_frames=5,prototypes=4", 8)
    written: dict[tuple[int, int], FrameTokens] = {}
    for tokens in frames(0, 5, later=2):
        if tokens.frame:
            policy.observe(bank.read(tokens.frame, tokens.keys, 3)[1])
        if tokens.annotated:
            bank.add_group(tokens.frame, tokens.values[-1].shape[1])
        policy.write(tokens)
        written |= {(tokens.frame, p): tokens for p in range(P)}
    prototypes = [s for s in bank.by_age().tolist() if policy.stored.values[s]]
    assert len(prototypes) == 4
    assert bank.count == 2 * P + 4
    candidates = [name for name in written if name[0] in {1, 2, 3}]
    for slot in prototypes:
        name = (int(bank.frame[slot]), int(bank.position[slot]))
        key = written[name].key[name[1]].tolist()
        assert bank.key[slot].tolist() == pytest.approx(key)
        for group, first in enumerate((0, 2)):
            valid = [c for c in candidates if c[0] >= first]
            if name[0] < first:
                continue
            powers = {c: math.exp(affinity(written[c].key[c[1]].tolist(), key)) for c in valid}
            expected = sum(power / sum(powers.values()) * written[c].values[group][c[1]] for c, power in powers.items())
            torch.testing.assert_close(bank.values[group][slot], expected, rtol=1e-4, atol=1e-5)


def test_the_long_term_memory_is_bounded_and_its_parameters_fit():
    policy, bank = begin("xmem:every=1,min_frames=2,max_frames=4,prototypes=4,long_term=6", 40)
    for tokens in frames(1, 39, later=99):
        if not tokens.frame:
            bank.add_group(0, 1)
        else:
            policy.observe(bank.read(tokens.frame, tokens.keys, 3)[1])
        policy.write(tokens)
        stored = int((policy.stored.values & bank.occupied).sum())
        assert stored == policy.stored_count <= 6
    assert stored == 6
    for spec in ("xmem:min_frames=5,max_frames=5", "xmem:prototypes=9,long_term=8"):
        with pytest.raises(ValueError, match="max_frames must be above min_frames"):
            begin(spec, 9)


def test_merged_tokens_keep_their_length_and_lean_towards_the_new():
    policy, bank = begin("afb:capacity=4,threshold=0.9,rate=0.25", 4)
    first, second, *_ = frames(2, 3, later=99)
    bank.add_group(0, 1)
    policy.write(first)
    # positions 0 and 1 of the new frame are near token 3, position 2 is near token 1, 3 and 4 are far from all
    key = second.key.clone()
    key[0], key[1], key[2] = 3 * first.key[3] + 0.01, 0.5 * first.key[3], first.key[1] - 0.01
    key[3], key[4] = -first.key.sum(0), first.key[0] * torch.tensor([1, -1, 1, -1])
    cosines = torch.cosine_similarity(key[:, None], first.key[None], dim=2)
    assert (cosines.amax(1) > 0.9).tolist() == [True, True, True, False, False]
    policy.write(FrameTokens(1, key, second.values, annotated=False))
    assert bank.count == P + 2
    assert [(int(f), int(p)) for f, p in zip(bank.frame, bank.position, strict=True)][P:] == [(1, 3), (1, 4)]
    for slot, sources in ((3, [0, 1]), (1, [2])):
        expected = merged(first.key[slot].tolist(), key[sources].tolist(), 0.25)
        assert bank.key[slot].tolist() == pytest.approx(expected, rel=1e-4)
        news = second.values[0][sources, 0].tolist()
        expected = merged(first.values[0][slot, 0].tolist(), news, 0.25)
        assert bank.values[0][slot, 0].tolist() == pytest.approx(expected, rel=1e-4)
        assert float(bank.key[slot].norm()) <= float(first.key[slot].norm()) * 1.0001
    for slot in (0, 2, 4):
        assert torch.equal(bank.key[slot], first.key[slot])
        assert torch.equal(bank.values[0][slot], first.values[0][slot])
