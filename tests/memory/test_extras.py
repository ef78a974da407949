"""What tokens have beside key and value: stored, read and averaged, against loops and the published XMem."""

import math

import numpy as np
import pytest
import torch

from vosbench.errors import VosbenchError
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.trial import anisotropic
from vosbench.models.base import Extra, Keys, Spec


def test_a_read_equals_that_of_xmem(shared):
    with np.load(shared / "goldens" / "xmem" / "xmem_parts.npz") as file:
        golden = {name: torch.from_numpy(file[name]) for name in file.files if name != "enc_rgb"}
    a, b = (
        Keys(
            golden[f"key_{x}"][0].flatten(1).T,
            {name: golden[f"{name}_{x}"][0].flatten(1).T for name in ("shrinkage", "selection")},
        )
        for x in "ab"
    )
    bank = MemoryBank(Spec("xmem", 64, 512, extras={"shrinkage": Extra(1), "selection": Extra(64)}), anisotropic, 24)
    bank.add_group(0, 2)
    values = golden["value_a"].flatten(2).permute(2, 0, 1)
    bank.insert(FrameTokens(0, a.key, (values,), annotated=True, extras=a.extras))
    assert bank.nbytes == 24 * (64 + 1 + 64 + 2 * 512) * 4
    torch.testing.assert_close(anisotropic(bank.keys, b).T, golden["similarity"], rtol=1e-4, atol=1e-4)
    (readout,), match = bank.read(1, b, top_k=15)
    (group,) = match.groups
    dense = torch.zeros(24, 24).scatter_(1, group.indices, group.weights)  # [query, token]
    torch.testing.assert_close(dense.T, golden["affinity"], rtol=1e-4, atol=1e-5)
    expected = golden["readout"].flatten(2).permute(2, 0, 1)
    torch.testing.assert_close(readout, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


SPEC = Spec("drawn", 3, 2, extras={"shrinkage": Extra(1), "selection": Extra(3, averages=False)})


def drawn(frame: int, groups: tuple[int, ...] = (1,), positions: int = 4) -> FrameTokens:
    generator = torch.Generator().manual_seed(frame)
    key, selection = torch.randn(positions, 3, generator=generator), torch.rand(positions, 3, generator=generator)
    extras = {"shrinkage": 1 + torch.rand(positions, 1, generator=generator), "selection": selection}
    values = tuple(torch.randn(positions, objects, 2, generator=generator) for objects in groups)
    return FrameTokens(frame, key, values, annotated=False, extras=extras)


def similarity(key, shrinkage, query, selection) -> float:
    distance = sum(e * (m - q) ** 2 for e, m, q in zip(selection, key, query, strict=True))
    return float(-shrinkage * distance / math.sqrt(3))


@pytest.fixture
def bank() -> MemoryBank:
    """Frames 0 and 1 of one object, and frame 2, in which two more appear."""
    bank = MemoryBank(SPEC, anisotropic, 4)
    bank.add_group(0, 1)
    for frame in range(2):
        bank.insert(drawn(frame))
    bank.add_group(2, 2)
    bank.insert(drawn(2, (1, 2)))
    return bank


def test_extras_are_written_freed_and_overwritten_with_the_token(bank):
    for name in SPEC.extras:
        expected = torch.cat([drawn(frame, (1, 2)).extras[name] for frame in range(3)])
        assert torch.equal(bank.extras[name], expected)
    bank.free(torch.tensor([1, 6]))
    slots = bank.insert(drawn(3, (1, 2)), torch.tensor([0, 2]))
    assert sorted(slots.tolist()) == [1, 6]
    assert torch.equal(bank.extras["selection"][slots], drawn(3, (1, 2)).extras["selection"][[0, 2]])
    before = bank.extras["selection"].clone()
    values = (torch.zeros(1, 1, 2), torch.zeros(1, 2, 2))
    bank.update(torch.tensor([4]), torch.zeros(1, 3), values, {"shrinkage": torch.tensor([[9.0]])})
    assert bank.extras["shrinkage"][4] == 9
    assert torch.equal(bank.extras["selection"], before)


def test_tokens_without_their_extras_are_refused(bank):
    lacking = FrameTokens(3, drawn(3).key, drawn(3, (1, 2)).values, annotated=False)
    with pytest.raises(VosbenchError, match="tokens come with ") as caught:
        bank.insert(lacking)
    assert "shrinkage" in caught.value.hint


def test_tokens_are_compared_as_the_network_does(bank):
    found = bank.similarity(torch.tensor([0, 5, 9]), torch.tensor([7, 2]))
    assert found.shape == (2, 3)
    for row, query in enumerate((7, 2)):
        for column, slot in enumerate((0, 5, 9)):
            wanted = similarity(
                bank.key[slot], bank.extras["shrinkage"][slot, 0], bank.key[query], bank.extras["selection"][query]
            )
            assert float(found[row, column]) == pytest.approx(wanted, rel=1e-4)


def test_prototypes_average_values_and_what_averages(bank):
    candidates, chosen = torch.arange(4, 12), torch.tensor([10, 5])
    keys, extras = bank.key.clone(), {name: extra.clone() for name, extra in bank.extras.items()}
    values = [group.clone() for group in bank.values]
    bank.potentiate(chosen, candidates)
    assert torch.equal(bank.key, keys)
    assert torch.equal(bank.extras["selection"], extras["selection"])
    for slot in chosen.tolist():
        powers = {
            c: math.exp(similarity(keys[c], extras["shrinkage"][c, 0], keys[slot], extras["selection"][slot]))
            for c in candidates.tolist()
        }
        for group, valid in enumerate((range(4, 12), range(8, 12))):  # of the second, frame 2 only
            total = sum(powers[c] for c in valid)
            expected = sum(powers[c] / total * values[group][c] for c in valid)
            torch.testing.assert_close(bank.values[group][slot], expected, rtol=1e-4, atol=1e-5)
        mean = sum(power * float(extras["shrinkage"][c]) for c, power in powers.items()) / sum(powers.values())
        assert float(bank.extras["shrinkage"][slot]) == pytest.approx(mean, rel=1e-4)
    others = [slot for slot in range(12) if slot not in chosen.tolist()]
    assert torch.equal(bank.values[0][others], values[0][others])
