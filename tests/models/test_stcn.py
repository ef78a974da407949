"""STCN: the published network, tensor by tensor and number by number."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vosbench.models.base import aggregate
from vosbench.models.geometry import Geometry
from vosbench.models.stcn.network import CONFIGS, STCN, KeyFeatures

TENSORS = Path(__file__).parents[1] / "data" / "stcn_state_dict.txt"


def masks_of(labels: np.ndarray) -> Tensor:
    """Label map with ids 1 and 2 to planes [1,2,H,W]."""
    return torch.from_numpy(np.stack([labels == 1, labels == 2])).float()[None]


def test_tensors_are_those_of_a_published_checkpoint():
    published = {}
    for line in TENSORS.read_text().splitlines():
        name, _, rest = line.partition(" ")
        shape, _, dtype = rest.rpartition(" ")
        published[name] = (shape, dtype)
    with torch.device("meta"):
        state = STCN().state_dict()
    assert len(published) == 405
    assert {name: (str(tuple(t.shape)), str(t.dtype)) for name, t in state.items()} == published
    assert 54.4e6 < sum(t.numel() for t in state.values()) < 54.6e6


def test_tiny_is_narrow():
    with torch.device("meta"):
        tiny = STCN(CONFIGS["stcn-tiny"])
    assert sum(p.numel() for p in tiny.parameters()) < 4e6


@pytest.fixture(scope="module")
def encoded(golden, golden_stcn) -> dict[str, Tensor]:
    frame = Geometry.of(64, 96, None).prepare(golden["enc_rgb"], torch.device("cpu"))
    features = golden_stcn.encode_key(frame)
    of_frame = golden_stcn.value_encoder.of_frame(features.f16)
    value = golden_stcn.object_values(frame, of_frame, masks_of(golden["enc_labels"]))
    return {
        "k16": features.key,
        "f16_thin": features.thin,
        "f16": features.f16,
        "f8": features.f8,
        "f4": features.f4,
        "value": value[0],
    }


@pytest.mark.parametrize("name", ["k16", "f16_thin", "f16", "f8", "f4", "value"])
def test_encodings_equal_those_of_the_published_code(golden, encoded, name):
    expected = golden[name]
    found = encoded[name].numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_shapes(small_model):
    features = small_model.encode_key(torch.rand(2, 3, 32, 48))
    assert [tuple(f.shape) for f in features] == [
        (2, 8, 2, 3),
        (2, 16, 2, 3),
        (2, 16, 2, 3),
        (2, 8, 4, 6),
        (2, 8, 8, 12),
    ]
    of_frame = small_model.value_encoder.of_frame(features.f16)
    value = small_model.object_values(torch.rand(2, 3, 32, 48), of_frame, torch.rand(2, 3, 32, 48))
    assert value.shape == (2, 3, 16, 2, 3)
    assert small_model.decoder(value.flatten(0, 1), small_model.decoder.of_frame(*_skips(features))).shape == (
        6,
        1,
        32,
        48,
    )


def _skips(features: KeyFeatures) -> tuple[Tensor, Tensor, Tensor]:
    return features.thin, features.f8, features.f4


def test_objects_and_frames_of_a_batch_do_not_mix(small_model):
    """Each object of each frame gets what it gets alone, if the fifth plane holds the others' masks."""
    torch.manual_seed(0)
    frames, masks = torch.rand(2, 3, 32, 48), torch.rand(2, 3, 32, 48) / 3
    features = small_model.encode_key(frames)
    decoder, encoder = small_model.decoder, small_model.value_encoder
    values = small_model.object_values(frames, encoder.of_frame(features.f16), masks)
    logits = decoder(values.flatten(0, 1), decoder.of_frame(*_skips(features))).unflatten(0, (2, 3))[:, :, 0]
    for b in range(2):
        alone = KeyFeatures(*(f[b : b + 1] for f in features))
        for o in range(3):
            others = sum(masks[b, other] for other in range(3) if other != o)
            planes = torch.cat([frames[b], masks[b, o][None], others[None]])[None]
            value = encoder(planes, encoder.of_frame(alone.f16))
            torch.testing.assert_close(values[b, o], value[0], rtol=1e-4, atol=1e-5)
            logit = decoder(value, decoder.of_frame(*_skips(alone)))
            torch.testing.assert_close(logits[b, o], logit[0, 0], rtol=1e-4, atol=1e-5)


def test_a_single_object_has_an_empty_plane_of_others(small_model):
    frame, mask = torch.rand(1, 3, 32, 48), torch.rand(1, 1, 32, 48)
    of_frame = small_model.value_encoder.of_frame(small_model.encode_key(frame).f16)
    expected = small_model.value_encoder(torch.cat([frame, mask, torch.zeros_like(mask)], 1), of_frame)
    torch.testing.assert_close(small_model.object_values(frame, of_frame, mask)[:, 0], expected)


def test_aggregation_equals_the_formula():
    probabilities = np.random.default_rng(0).random((1, 3, 2, 2))
    probabilities[0, :, 0, 0] = [0, 1, 0]  # clamped, not infinite
    found = aggregate(torch.from_numpy(probabilities)).softmax(1).numpy()
    for y, x in np.ndindex(2, 2):
        p = probabilities[0, :, y, x]
        odds = [min(max(q, 1e-7), 1 - 1e-7) for q in (np.prod(1 - p), *p)]
        odds = [q / (1 - q) for q in odds]  # exp(logit)
        np.testing.assert_allclose(found[0, :, y, x], np.array(odds) / sum(odds), rtol=1e-6, atol=1e-12)


def test_aggregation_of_no_object_is_background():
    assert (aggregate(torch.empty(1, 0, 2, 3)).softmax(1) == torch.ones(1, 1, 2, 3)).all()
