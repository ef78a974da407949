"""A network in its form for inference, against the network as it was trained."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vosbench.models import onednn
from vosbench.models.base import FrameStep
from vosbench.models.convolution import JointConv2d
from vosbench.models.folding import fold_batch_norm, for_inference
from vosbench.models.onednn import OneDNNConv2d
from vosbench.models.stcn.network import STCN, STCN_TINY, STCNConfig
from vosbench.models.winograd import WinogradConv2d


def drawn(config: STCNConfig) -> STCN:
    """Random weights, and statistics of batch norm that are not those of an untrained one."""
    torch.manual_seed(0)
    model = STCN(config).eval().requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias):
                tensor.uniform_(-0.3, 0.3)
            for tensor in (module.running_var, module.weight):
                tensor.uniform_(0.5, 1.5)
    return model


def outputs(model: STCN) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    frame = torch.rand(1, 3, 64, 96, generator=generator)
    features = model.encode(frame)
    masks, step = torch.rand(2, 64, 96, generator=generator) / 2, FrameStep(0, 0, False, False, (2,))
    value, _ = model.encode_value(frame, features, masks, {}, {}, step)
    logits, _ = model.decode(value, features, {}, masks, step)
    return (*features.keys, value, logits)


@pytest.mark.parametrize("device", ["cpu", "cuda"])  # of the latter what runs there, on the CPU
def test_the_form_for_inference_changes_nothing_but_rounding(small_model, device):
    for config in (STCN_TINY, small_model.config):
        model = drawn(config)
        expected = outputs(model)
        for_inference(model, torch.device(device))
        kinds = {type(module) for module in model.modules()}
        assert not kinds & {nn.BatchNorm2d, JointConv2d}
        assert (OneDNNConv2d in kinds) == (device == "cpu")
        assert (WinogradConv2d in kinds) == (device == "cpu" and config is STCN_TINY)
        for _ in range(2):
            for found, wanted in zip(outputs(model), expected, strict=True):
                torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("kind", [OneDNNConv2d, WinogradConv2d])
@pytest.mark.parametrize("size", [(1, 1), (4, 7), (30, 54), (61, 33)])
def test_fused_convolutions_change_nothing_but_rounding(kind, size):
    """Against float64; with what is added to each of the objects of two frames, and rectified."""
    torch.manual_seed(0)
    plain = nn.Conv2d(128, 128, 3, padding=1).requires_grad_(False)
    x, add = torch.randn(4, 128, *size).relu(), torch.randn(2, 128, *size)
    assert kind.fits(plain)
    form, exact = kind(plain), copy.deepcopy(plain).double()
    for more, activation in ((None, "none"), (add, "relu"), (add, "relu6")):
        want = exact(x.double())
        want = want if more is None else want + more.repeat_interleave(2, 0)
        want = {"none": lambda y: y, "relu": F.relu, "relu6": F.relu6}[activation](want)
        error = form(x, more, activation) - want
        assert error.abs().max() <= 3e-6 * want.abs().max()
        assert error.square().mean() <= 1e-12 * want.square().mean()


def test_fused_convolutions_are_plain_ones_where_there_are_gradients():
    form = WinogradConv2d(nn.Conv2d(128, 128, 3, padding=1))
    x = torch.randn(1, 128, 5, 5)
    found = form(x)
    assert found.requires_grad
    assert torch.equal(found, F.conv2d(x, form.weight, form.bias, padding=1))


@pytest.mark.parametrize("known", [True, False])
def test_bf16_on_a_cpu_that_does_not_know_it(monkeypatch, known):
    """Numbers are bf16, sums float32, whatever the CPU; where it knows bf16, its own way is tested as well."""
    if known and not onednn._knows_bfloat16():
        pytest.skip("this CPU does not know bfloat16")
    monkeypatch.setattr(onednn, "_knows_bfloat16", lambda: known)
    torch.manual_seed(0)
    plain = nn.Conv2d(24, 32, 3, padding=1).requires_grad_(False).bfloat16()
    x, add = torch.randn(4, 24, 9, 11).bfloat16(), torch.randn(2, 32, 9, 11).bfloat16()
    form, exact = OneDNNConv2d(plain), copy.deepcopy(plain).double()
    for more, activation in ((None, "none"), (None, "relu6"), (add, "relu"), (add, "relu6")):
        want = exact(x.double())
        want = want if more is None else want + more.double().repeat_interleave(2, 0)
        want = {"none": lambda y: y, "relu": F.relu, "relu6": F.relu6}[activation](want)
        found = form(x, more, activation)
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.double(), want, rtol=2**-7, atol=2**-6)


def test_folding_alone_changes_nothing_but_rounding(small_model):
    model = drawn(small_model.config)
    expected = outputs(model)
    fold_batch_norm(model)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    for found, wanted in zip(outputs(model), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("kind", [OneDNNConv2d, WinogradConv2d])
def test_fused_convolutions_can_be_copied_and_cast_after_use(kind):
    form, x = kind(nn.Conv2d(128, 128, 3, padding=1).requires_grad_(False)), torch.randn(1, 128, 6, 6)
    expected = form(x)
    torch.testing.assert_close(copy.deepcopy(form)(x), expected)
    near = form.bfloat16()(x.bfloat16())
    assert near.dtype == torch.bfloat16
    torch.testing.assert_close(near.float(), expected, rtol=0.05, atol=0.05)
    assert form.double()(x.double()).dtype == torch.float64
