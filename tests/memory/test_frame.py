"""What a strategy may ask of a predicted frame, against loops over pixels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.errors import VosbenchError
from vosbench.memory.frame import Segmentation


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(0, 2**31))
def test_statistics_equal_loops(objects, rows, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(objects + 1, 16 * rows, 16 * columns, generator=generator)
    probabilities = logits.softmax(0)
    found = Segmentation(probabilities[1:])
    assert torch.equal(found.labels, probabilities.argmax(0))
    for label in range(objects + 1):
        assert found.areas[label] == (probabilities.argmax(0) == label).sum()
    for label in range(1, objects + 1):
        inside = probabilities[label][found.labels == label]
        expected = inside.mean() if len(inside) else torch.tensor(0.0)
        torch.testing.assert_close(found.confidence[label - 1], expected)
    owners = []
    for y in range(rows):
        for x in range(columns):
            patch = probabilities[:, 16 * y : 16 * y + 16, 16 * x : 16 * x + 16].mean((1, 2))
            owners.append(int(patch.argmax()))
    assert found.owner.tolist() == owners


def test_it_is_computed_once():
    found = Segmentation(torch.rand(2, 16, 16))
    assert found.labels is found.labels
    assert found.owner is found.owner


def test_no_object_is_background_everywhere():
    found = Segmentation(torch.zeros(2, 16, 32))
    assert found.areas.tolist() == [512, 0, 0]
    assert found.owner.tolist() == [0, 0]
    assert found.confidence.tolist() == [0, 0]


def test_half_precision():
    found = Segmentation(torch.full((1, 16, 16), 0.75).half())
    assert found.owner.tolist() == [1]
    assert found.confidence.tolist() == [0.75]


def test_where_no_masks_are_predicted():
    for ask in ("masks", "labels", "owner", "areas", "confidence"):
        with pytest.raises(VosbenchError, match="asks for masks where none are predicted") as caught:
            getattr(Segmentation(), ask)
        assert caught.value.hint
