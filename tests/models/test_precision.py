"""In what a network computes: on a CPU fp32 and bf16; keys, logits and values are float32 in any case."""

import numpy as np
import pytest
import torch
import toy_network
from torch import nn

from vosbench.errors import VosbenchError
from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.base import FrameStep
from vosbench.models.checkpoint import load_model
from vosbench.models.folding import for_inference
from vosbench.models.precision import require
from vosbench.models.stcn.network import STCN
from vosbench.video import Sequence


@pytest.fixture(scope="module")
def golden_bf16(golden_stcn, tmp_path_factory):
    """The published size, with the weights of `golden_stcn`, cast."""
    path = tmp_path_factory.mktemp("weights") / "stcn.pth"
    torch.save(golden_stcn.state_dict(), path)
    return load_model(path, precision="bf16")


def test_bf16_stays_near_the_published_probabilities(golden, golden_bf16):
    """8 bits of mantissa: 0.4% of a number. What is predicted for a pixel seldom changes."""
    sequence = Sequence.from_arrays(golden["rgb"], {0: golden["labels"][0]})
    expected, same = golden["prob_every"], []
    for p in propagate(golden_bf16, sequence, load_policy("every-k")):
        assert p.prob.dtype == torch.float32
        assert np.abs(p.prob.numpy() - expected[p.frame_index]).mean() <= 0.02
        same.append((p.mask == expected[p.frame_index].argmax(0)).mean())
    assert np.mean(same) >= 0.98


def test_keys_logits_and_values_are_float32():
    model = load_model("stcn-tiny", precision="bf16")
    assert model.precision == "bf16"
    assert {tensor.dtype for tensor in model.parameters()} == {torch.bfloat16}
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    frame, masks, step = torch.randn(1, 3, 64, 96), torch.rand(2, 64, 96), FrameStep(1, 1, False, False, (2,))
    with torch.inference_mode():
        features = model.encode(frame)
        tokens, query = model.keys(frame)
        values, _ = model.encode_value(frame, features, masks, {}, {}, step)
        logits, _ = model.decode(values, features, {}, masks, step)
    assert features.of_decoder.skip4.dtype == torch.bfloat16
    for found in (model.tokens(features).key, tokens.key, query.key, values, logits):
        assert found.dtype == torch.float32
    exact = load_model("stcn-tiny").encode(frame).keys.key
    assert 0 < (features.keys.key.float() - exact).abs().max() <= 0.03 * exact.abs().max()


@pytest.mark.parametrize("precision", ["fp16", "tf32"])
def test_what_a_cpu_does_not_compute_in_is_refused(precision):
    with pytest.raises(VosbenchError, match=f"a CPU does not compute in {precision}") as caught:
        load_model("stcn-tiny", precision=precision)
    assert "--precision fp32 or bf16" in caught.value.hint


@pytest.mark.parametrize(("precision", "refused"), [("fp32", False), ("fp16", False), ("bf16", True), ("tf32", True)])
def test_what_an_old_gpu_does_not_compute_in_is_refused(precision, refused, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5) if device.type == "cuda" else None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"an old {device.type}")
    if not refused:
        require(precision, torch.device("cuda"))
        return
    with pytest.raises(VosbenchError, match=f"an old cuda does not compute in {precision}"):
        require(precision, torch.device("cuda"))


def test_a_network_that_says_nothing_computes_in_fp32():
    assert load_model(toy_network.__file__).precision == "fp32"
    with pytest.raises(VosbenchError, match="toy does not compute in bf16"):
        load_model(toy_network.__file__, precision="bf16")


def test_another_word_is_refused():
    with pytest.raises(VosbenchError, match="fp8"):
        load_model("stcn-tiny", precision="fp8")


@pytest.mark.parametrize(("precision", "rounds"), [("tf32", True), ("fp32", False)])
def test_only_tf32_rounds_convolutions_on_a_gpu_and_nothing_rounds_keys(precision, rounds):
    backends = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = not rounds
        for_inference(STCN.build("stcn-tiny").eval(), torch.device("cuda"), precision)
        assert [backend.allow_tf32 for backend in backends] == [rounds, False]
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed
