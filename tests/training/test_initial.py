"""Initial weights: of ImageNet networks, of a single-object stage, and of networks that do not fit."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from vosbench.errors import VosbenchError
from vosbench.models.geometry import MEAN, STD
from vosbench.models.stcn.mobile import EfficientNetLite0
from vosbench.models.stcn.network import FIRST_VALUE_CONVOLUTION, STCN, STCNConfig
from vosbench.training.config import TrainConfig
from vosbench.training.initial import load_efficientnet_lite0, load_imagenet, set_initial_weights


@pytest.fixture(scope="module")
def full() -> STCN:
    """At full width, so that ImageNet networks fit."""
    with torch.device("meta"):
        model = STCN(STCNConfig())
    model.to_empty(device="cpu").requires_grad_(False)
    for tensor in model.state_dict().values():
        tensor.zero_()
    return model


def imagenet(encoder, renamed, planes=3):
    """A state dict as torchvision has it: no biases of convolutions, a fourth stage and a classifier besides."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    norms = {name.rsplit(".", 1)[0] for name in encoder.state_dict() if name.endswith("running_mean")}
    for name, value in encoder.state_dict().items():
        layer = name.rsplit(".", 1)[0]
        if name.startswith("fuser.") or (name.endswith(".bias") and layer not in norms):
            continue
        stage, _, rest = name.partition(".")
        shape = (value.shape[0], planes, *value.shape[2:]) if name == "conv1.weight" else value.shape
        state[f"{renamed.get(stage, stage)}.{rest}"] = torch.randn(shape, generator=generator)
    return state | {"layer4.0.conv1.weight": torch.zeros(3), "fc.bias": torch.zeros(1000)}


def test_imagenet_weights_of_the_key_encoder(full, tmp_path):
    state = imagenet(full.key_encoder, {"res2": "layer1"})
    assert "layer1.0.conv3.weight" in state
    torch.save(state, tmp_path / "resnet50.pth")
    set_initial_weights(full, TrainConfig(key_encoder=str(tmp_path / "resnet50.pth")))
    assert torch.equal(full.key_encoder.res2[1].conv2.weight, state["layer1.1.conv2.weight"])
    assert torch.equal(full.key_encoder.layer3[5].bn3.running_var, state["layer3.5.bn3.running_var"])
    assert torch.equal(full.key_encoder.conv1.weight, state["conv1.weight"])


def test_imagenet_weights_of_the_value_encoder(full, tmp_path):
    encoder = full.value_encoder
    fuser = {name: value.clone() for name, value in encoder.fuser.state_dict().items()}
    state = imagenet(encoder, {})
    torch.save(state, tmp_path / "resnet18.pth")
    set_initial_weights(full, TrainConfig(value_encoder=str(tmp_path / "resnet18.pth")))
    assert torch.equal(encoder.layer2[0].downsample[0].weight, state["layer2.0.downsample.0.weight"])
    assert not encoder.layer2[0].downsample[0].bias.any()
    assert not encoder.conv1.bias.any()
    assert torch.equal(encoder.bn1.bias, state["bn1.bias"])
    assert torch.equal(encoder.conv1.weight[:, :3], state["conv1.weight"])
    masks = encoder.conv1.weight[:, 3:].flatten(1)  # [64,98]
    torch.testing.assert_close(masks @ masks.T, torch.eye(64), atol=1e-5, rtol=0)
    assert all(torch.equal(encoder.fuser.state_dict()[name], value) for name, value in fuser.items())


def test_weights_that_are_no_imagenet_network(full, tmp_path):
    state = imagenet(full.value_encoder, {})
    torch.save(state, tmp_path / "resnet18.pth")
    with pytest.raises(VosbenchError, match=r"resnet18\.pth does not fit: \d+ of \d+ tensors") as caught:
        load_imagenet(full.key_encoder, tmp_path / "resnet18.pth", {"layer1": "res2"})
    assert caught.value.hint
    (tmp_path / "broken.pth").write_bytes(b"broken\0")
    torch.save([3], tmp_path / "list.pth")
    for name, said in (
        ("broken", r"broken\.pth is not a readable checkpoint"),
        ("absent", r"cannot read .*absent\.pth"),
        ("list", r"list\.pth does not fit: \d+ of"),
    ):
        with pytest.raises(VosbenchError, match=said):
            load_imagenet(full.key_encoder, tmp_path / f"{name}.pth", {})


def test_single_object_weights_go_into_the_main_training(small_model, small_network, tmp_path):
    state = dict(small_model.state_dict())
    state[FIRST_VALUE_CONVOLUTION] = state[FIRST_VALUE_CONVOLUTION][:, :4].contiguous()
    save_file(state, tmp_path / "single.safetensors")
    weights = {}
    for new_others in (False, True):
        model = STCN(small_model.config)
        config = TrainConfig(model=small_network, initial=str(tmp_path / "single.safetensors"), new_others=new_others)
        set_initial_weights(model, config)
        weights[new_others] = model.state_dict()[FIRST_VALUE_CONVOLUTION]
        for name, value in model.state_dict().items():
            if name != FIRST_VALUE_CONVOLUTION:
                assert torch.equal(value, small_model.state_dict()[name])
        assert torch.equal(weights[new_others][:, :4], state[FIRST_VALUE_CONVOLUTION])
    assert not weights[False][:, 4].any()
    plane = weights[True][:, 4].flatten(1)  # [8,49]
    torch.testing.assert_close(plane @ plane.T, torch.eye(8), atol=1e-5, rtol=0)


def test_the_plane_of_the_others_is_drawn_anew_for_weights_with_five_too(small_model, small_network, tmp_path):
    save_file(small_model.state_dict(), tmp_path / "five.safetensors")
    model = STCN(small_model.config)
    config = TrainConfig(model=small_network, initial=str(tmp_path / "five.safetensors"))
    set_initial_weights(model, config)
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), small_model.state_dict().values(), strict=True)
    )
    set_initial_weights(model, TrainConfig(model=small_network, initial=config.initial, new_others=True))
    first = model.state_dict()[FIRST_VALUE_CONVOLUTION]
    assert not torch.equal(first, small_model.state_dict()[FIRST_VALUE_CONVOLUTION])
    assert torch.equal(first[:, :4], small_model.state_dict()[FIRST_VALUE_CONVOLUTION][:, :4])


@pytest.mark.usefixtures("small_network")
def test_weights_of_another_network(small_model, tmp_path):
    save_file(small_model.state_dict(), tmp_path / "a.safetensors")
    config = TrainConfig(model="stcn-tiny", initial=str(tmp_path / "a.safetensors"))
    with pytest.raises(VosbenchError, match="weights of small, but stcn-tiny is to be trained"):
        set_initial_weights(STCN(small_model.config), config)


def published_lite0() -> dict[str, torch.Tensor]:
    """A state dict with the names and shapes of a published EfficientNet-Lite0 up to its 12th block; random values."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def add(convolution: str, norm: str, *shape: int) -> None:
        state[f"{convolution}.weight"] = torch.randn(shape, generator=generator) * 0.2
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{name}"] = torch.rand(shape[0], generator=generator) + 0.5
        state[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    add("_conv_stem", "_bn0", 32, 3, 3, 3)
    # the table of the paper, block by block: inputs, outputs, expansion, kernel
    blocks = [(32, 16, 1, 3), (16, 24, 6, 3), (24, 24, 6, 3), (24, 40, 6, 5), (40, 40, 6, 5), (40, 80, 6, 3)]
    blocks += [(80, 80, 6, 3)] * 2 + [(80, 112, 6, 5)] + [(112, 112, 6, 5)] * 2 + [(112, 192, 6, 5)]
    for number, (inputs, outputs, expansion, kernel) in enumerate(blocks):
        block, wide = f"_blocks.{number}", inputs * expansion
        if expansion > 1:
            add(f"{block}._expand_conv", f"{block}._bn0", wide, inputs, 1, 1)
        add(f"{block}._depthwise_conv", f"{block}._bn1", wide, 1, kernel, kernel)
        add(f"{block}._project_conv", f"{block}._bn2", outputs, wide, 1, 1)
    return state


def test_efficientnet_lite0_computes_what_its_published_weights_say(tmp_path):
    """Against functional calls on the state dict, with the published input scaling; borders apart, where zeros pad."""
    state = published_lite0()
    torch.save(state, tmp_path / "lite0.pth")
    encoder = EfficientNetLite0().eval()
    load_efficientnet_lite0(encoder, tmp_path / "lite0.pth")

    def apply(x, convolution, norm, stride=1, act=True):
        weight = state[f"{convolution}.weight"]
        groups = x.shape[1] if weight.shape[1] == 1 and x.shape[1] > 1 else 1
        x = F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, groups=groups)
        mean, var, gain, offset = (
            state[f"{norm}.{n}"][:, None, None] for n in ("running_mean", "running_var", "weight", "bias")
        )
        x = (x - mean) / (var + 1e-3).sqrt() * gain + offset
        return x.clamp(0, 6) if act else x

    rgb = torch.rand(1, 3, 192, 192)
    x = apply((rgb - 0.5) / 0.5, "_conv_stem", "_bn0", 2)
    expected = {}
    for number in range(11):
        block, before = f"_blocks.{number}", x
        if number:
            x = apply(x, f"{block}._expand_conv", f"{block}._bn0")
        x = apply(x, f"{block}._depthwise_conv", f"{block}._bn1", 2 if number in (1, 3, 5) else 1)
        x = apply(x, f"{block}._project_conv", f"{block}._bn2", act=False)
        x = x + before if x.shape == before.shape else x
        expected[number] = x
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    with torch.no_grad():
        f16, f8, f4 = encoder((rgb - mean) / std)
    for found, wanted, border in ((f4, expected[2], 4), (f8, expected[4], 6)):
        inner = np.s_[..., border:-border, border:-border]
        torch.testing.assert_close(found[inner], wanted[inner], rtol=1e-3, atol=1e-3)
    assert f16.shape == expected[10].shape == (1, 112, 12, 12)


def test_weights_that_are_no_efficientnet(tmp_path):
    state = published_lite0()
    del state["_blocks.10._project_conv.weight"]
    torch.save(state, tmp_path / "lite0.pth")
    with pytest.raises(VosbenchError, match=r"lite0\.pth does not fit: 1 of \d+ tensors") as caught:
        load_efficientnet_lite0(EfficientNetLite0(), tmp_path / "lite0.pth")
    assert "EfficientNet-Lite0" in caught.value.hint
