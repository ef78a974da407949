"""Initial weights: of ImageNet networks, of a single-object stage, and of networks that do not fit."""

import pytest
import torch
from safetensors.torch import save_file

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import FIRST_VALUE_CONVOLUTION
from vosbench.models.stcn import STCN, STCNConfig
from vosbench.training.config import TrainConfig
from vosbench.training.initial import load_imagenet, set_initial_weights


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
    load_imagenet(full.key_encoder, tmp_path / "resnet50.pth", {"layer1": "res2"})
    assert torch.equal(full.key_encoder.res2[1].conv2.weight, state["layer1.1.conv2.weight"])
    assert torch.equal(full.key_encoder.layer3[5].bn3.running_var, state["layer3.5.bn3.running_var"])
    assert torch.equal(full.key_encoder.conv1.weight, state["conv1.weight"])


def test_imagenet_weights_of_the_value_encoder(full, tmp_path):
    encoder = full.value_encoder
    fuser = {name: value.clone() for name, value in encoder.fuser.state_dict().items()}
    state = imagenet(encoder, {})
    torch.save(state, tmp_path / "resnet18.pth")
    load_imagenet(encoder, tmp_path / "resnet18.pth", {})
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
    for content in (b"broken", None):
        if content:
            (tmp_path / "x.pth").write_bytes(content)
        else:
            (tmp_path / "x.pth").unlink()
        with pytest.raises(VosbenchError, match=r"x\.pth is not readable ImageNet weights"):
            load_imagenet(full.key_encoder, tmp_path / "x.pth", {})


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
