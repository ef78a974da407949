"""Folding of batch norm, against the network with its norms."""

import torch
from torch import nn

from vosbench.models.folding import fold_batch_norm
from vosbench.models.stcn.network import STCN, STCN_TINY, STCNConfig


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
    features = model.encode_key(frame)
    value = model.object_values(frame, features.f16, torch.rand(1, 2, 64, 96, generator=generator) / 2)
    return (*features, value, model.object_logits(value, features))


def test_folding_changes_nothing_but_rounding(small_model):
    for config in (STCN_TINY, small_model.config):
        model = drawn(config)
        expected = outputs(model)
        fold_batch_norm(model)
        assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
        for found, wanted in zip(outputs(model), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))
