"""A network in its form for inference, which computes the same but for rounding."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vosbench.base.allocation import keep_freed_memory
from vosbench.models.base import Network
from vosbench.models.convolution import Fused, JointConv2d, SplitConv2d
from vosbench.models.graphs import Graphs
from vosbench.models.onednn import OneDNNConv2d
from vosbench.models.precision import Precision, allow_tf32
from vosbench.models.winograd import WinogradConv2d

FORMS: tuple[type[Fused], ...] = (WinogradConv2d, OneDNNConv2d)  # on a CPU; the first that fits


def fold_batch_norm(module: nn.Module) -> None:
    """Fold, in place, batch norm in evaluation mode into the convolution registered just before it (rounding: 1e-6)."""
    for parent in list(module.modules()):
        for (name, convolution), (norm_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(convolution, norm))
                setattr(parent, norm_name, nn.Identity())


def split_joint(module: nn.Module) -> None:
    """Split, in place, every convolution that sees objects beside their frame, so as to see the frame once."""
    for name, child in list(module.named_modules(remove_duplicate=False)):
        if isinstance(child, JointConv2d):
            module.set_submodule(name, SplitConv2d(child))


def fuse(module: nn.Module) -> None:
    """Give, in place, every plain convolution the form that is fastest on a CPU."""
    for name, child in list(module.named_modules(remove_duplicate=False)):
        if type(child) is nn.Conv2d and (form := next((form for form in FORMS if form.fits(child)), None)):
            module.set_submodule(name, form(child))


def for_inference(model: Network, device: torch.device, precision: Precision = "fp32") -> None:
    """All of these, in place: the model is in evaluation mode, and will run on that device in that precision."""
    fold_batch_norm(model)
    split_joint(model)
    model.compute_in(precision)
    if device.type == "cuda":
        allow_tf32(precision)
        model.graphs = Graphs()
    if device.type == "cpu":
        fuse(model)
        keep_freed_memory()
