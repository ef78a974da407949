"""The weights a training starts from: random, of ImageNet networks, of an earlier stage, or of anybody's STCN."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.geometry import MEAN, STD
from vosbench.models.stcn.mobile import STAGES, EfficientNetLite0
from vosbench.models.stcn.network import FIRST_VALUE_CONVOLUTION, STCN
from vosbench.models.weights_file import read_weights_file, states
from vosbench.training.config import TrainConfig

IMAGE_PLANES = 3
OTHERS_PLANE = 4  # of the value encoder's input: image 3, this object's mask, the other objects' masks


def set_initial_weights(model: STCN, config: TrainConfig, start: Mapping[str, Tensor] | None = None) -> None:
    """Put into the model the weights that the configuration names; `start` instead of its `initial`. VosbenchError for
    those of another network, and as `read_checkpoint`.
    """
    if config.key_encoder and isinstance(model.key_encoder, EfficientNetLite0):
        load_efficientnet_lite0(model.key_encoder, Path(config.key_encoder))
    elif config.key_encoder:
        load_imagenet(model.key_encoder, Path(config.key_encoder), {"layer1": "res2"})
    if config.value_encoder:
        load_imagenet(model.value_encoder, Path(config.value_encoder), {})
    if start is not None:
        model.load_state_dict(start)
    elif config.initial:
        checkpoint = read_checkpoint(config.initial)
        if checkpoint.config != config.model:
            told = f"{config.initial} holds weights of {checkpoint.config}, but {config.model} is to be trained"
            raise VosbenchError(told, "correct model or initial in the TOML file")
        model.load_state_dict(checkpoint.state)
    if config.new_others:
        # As the published STCN does: a single-object stage shows the value encoder nothing but zeros there (and weight
        # decay makes it forget), and its checkpoints may lack them.
        others = model.get_parameter(FIRST_VALUE_CONVOLUTION).data[:, OTHERS_PLANE:]
        others.copy_(nn.init.orthogonal_(torch.empty_like(others)))


def load_imagenet(encoder: nn.Module, path: Path, renamed: Mapping[str, str]) -> None:
    """Put a torchvision ResNet (`resnet50-….pth`) into an encoder, as far as the encoder goes.

    `renamed` maps torchvision's names of stages to the encoder's. Planes of masks, which ImageNet networks lack,
    are drawn orthogonal, and the biases of convolutions begin at 0. Raises VosbenchError if the file does not fit.
    """
    found: dict[str, Tensor] = {}
    for name, value in _read(path).items():
        stage, _, rest = name.partition(".")
        found[f"{renamed.get(stage, stage)}.{rest}"] = value
    own = {name: value for name, value in encoder.state_dict().items() if not name.startswith("fuser.")}
    for name, value in own.items():
        if name not in found and name.endswith(".bias"):
            found[name] = torch.zeros_like(value)
        elif name not in found and name.endswith(".num_batches_tracked"):
            found[name] = value
    first = found.get("conv1.weight")
    planes = own["conv1.weight"].shape[1] - IMAGE_PLANES
    if planes and first is not None and first.ndim == 4 and first.shape[1] == IMAGE_PLANES:
        masks = nn.init.orthogonal_(first.new_empty(first.shape[0], planes, *first.shape[2:]))
        found["conv1.weight"] = torch.cat([first, masks], 1)
    _check_fit(path, own, found, "key_encoder wants ResNet-50 and value_encoder ResNet-18, and model must be stcn")
    encoder.load_state_dict({name: found[name] for name in own}, strict=False)


def load_efficientnet_lite0(encoder: EfficientNetLite0, path: Path) -> None:
    """Put a published EfficientNet-Lite0 (`efficientnet-lite0-….pth`) into the key encoder, as far as that goes.

    The published network takes RGB/255 scaled to mean 0.5 and deviation 0.5; the first convolution and its batch
    norm are rewritten for the normalisation of ImageNet. Raises VosbenchError if the file does not fit.
    """
    found: dict[str, Tensor] = {}
    names = {"_conv_stem": "stem.0", "_bn0": "stem.1"}
    blocks = [f"stages.{s}.{b}" for s, (*_, depth) in enumerate(STAGES) for b in range(depth)]
    expanding = {"_expand_conv": "expand.0", "_bn0": "expand.1"}
    parts = {"_depthwise_conv": "depthwise.0", "_bn1": "depthwise.1", "_project_conv": "project.0", "_bn2": "project.1"}
    for number, block in enumerate(blocks):
        names |= {f"_blocks.{number}.{old}": f"{block}.{new}" for old, new in (expanding | parts).items()}
    for name, value in _read(path).items():
        module, _, rest = name.rpartition(".")
        if module in names:
            found[f"{names[module]}.{rest}"] = value
    own = encoder.state_dict()
    _check_fit(path, own, found, "key_encoder wants EfficientNet-Lite0, and model must be stcn-tiny")
    weight, mean, std = found["stem.0.weight"], torch.tensor(MEAN), torch.tensor(STD)
    offset = torch.einsum("oikl,i->o", weight, (mean - 0.5) / 0.5)
    found["stem.0.weight"] = weight * (std / 0.5)[:, None, None]
    found["stem.1.running_mean"] = found["stem.1.running_mean"] - offset
    encoder.load_state_dict(found)


def _read(path: Path) -> Mapping[str, Tensor]:
    """The tensors in a file, by name. VosbenchError as `read_weights_file`."""
    return next((state for _, state in states(read_weights_file(path))), {})


def _check_fit(path: Path, own: Mapping[str, Tensor], found: Mapping[str, Tensor], hint: str) -> None:
    wrong = [name for name, value in own.items() if name not in found or found[name].shape != value.shape]
    if wrong:
        told = f"{path} does not fit: {len(wrong)} of {len(own)} tensors are missing or mis-shaped ({wrong[0]})"
        raise VosbenchError(told, hint)
