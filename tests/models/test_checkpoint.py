"""Loading weights: every form they come in, and every way in which a file can be the wrong one."""

import pickle
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import bundled, check_device, load_model, read_checkpoint
from vosbench.models.stcn.network import CONFIGS, FIRST_VALUE_CONVOLUTION, STCN


@pytest.fixture
def state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return STCN(CONFIGS["stcn-tiny"]).state_dict()


def refused(path: Path | str, **options: str) -> VosbenchError:
    """The error of loading, which must be one line and carry a hint."""
    with pytest.raises(VosbenchError) as caught:
        load_model(path, **options)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def test_every_bundled_name_loads():
    assert "stcn-tiny" in bundled()
    for name in bundled():
        checkpoint = read_checkpoint(name)
        model = checkpoint.build()
        assert (checkpoint.name, checkpoint.config) == (name, name)
        assert not model.training
        assert all(not p.requires_grad and p.dtype == torch.float32 for p in model.parameters())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_was_saved_is_what_is_loaded(state, tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    checkpoint, model = read_checkpoint(path), load_model(path)
    assert (checkpoint.name, checkpoint.config) == ("mine", "stcn-tiny")
    assert checkpoint.state.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.equal(checkpoint.state[name], tensor), name
    assert torch.equal(model.decoder.pred.weight, state["decoder.pred.weight"])  # no batch norm is folded into it


def test_a_published_checkpoint_loads(golden_stcn, tmp_path):
    torch.save(golden_stcn.state_dict(), tmp_path / "stcn.pth")
    checkpoint, model = read_checkpoint(tmp_path / "stcn.pth"), load_model(tmp_path / "stcn.pth")
    assert checkpoint.config == "stcn"
    key = "decoder.compress.conv2.weight"
    assert torch.equal(model.state_dict()[key], golden_stcn.state_dict()[key])


def test_the_hash_tells_weights_apart(state, tmp_path):
    torch.save(state, tmp_path / "a.pth")
    state["key_comp.bias"][0] += 1
    torch.save(state, tmp_path / "b.pth")
    assert read_checkpoint(tmp_path / "a.pth").sha256 != read_checkpoint(tmp_path / "b.pth").sha256


def test_half_precision_weights_are_widened(state, tmp_path):
    torch.save({k: v.half() if v.is_floating_point() else v for k, v in state.items()}, tmp_path / "half.pth")
    model = load_model(tmp_path / "half.pth")
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_a_single_object_checkpoint_ignores_the_fifth_plane(state, tmp_path):
    five = state[FIRST_VALUE_CONVOLUTION]
    torch.save(state | {FIRST_VALUE_CONVOLUTION: five[:, :4].clone()}, tmp_path / "single.pth")
    loaded = read_checkpoint(tmp_path / "single.pth").state[FIRST_VALUE_CONVOLUTION]
    assert torch.equal(loaded[:, :4], five[:, :4])
    assert (loaded[:, 4] == 0).all()


def test_a_checkpoint_of_training_loads(state, tmp_path):
    torch.save({"model": state, "step": 3, "config": {"model": "stcn-tiny"}}, tmp_path / "last.pt")
    assert read_checkpoint(tmp_path / "last.pt").config == "stcn-tiny"


def test_another_network(tmp_path):
    torch.save({"fc.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(3)}, tmp_path / "other.pth")
    error = refused(tmp_path / "other.pth")
    assert "holds the weights of no network that is known: 2 tensors (fc.weight, fc.bias, …)" in error.message
    assert "known are stcn" in error.hint


def test_a_missing_tensor(state, tmp_path):
    del state["key_proj.key_proj.bias"]
    torch.save(state, tmp_path / "a.pth")
    assert "1 missing (key_proj.key_proj.bias)" in refused(tmp_path / "a.pth").message


def test_a_misshaped_tensor(state, tmp_path):
    state["key_proj.key_proj.bias"] = torch.zeros(7)
    torch.save(state, tmp_path / "a.pth")
    assert "1 mis-shaped (key_proj.key_proj.bias is (7,), not (64,))" in refused(tmp_path / "a.pth").message


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_a_truncated_file(state, tmp_path, suffix, share):
    path = tmp_path / f"cut{suffix}"
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert str(path) in refused(path).message


def test_bytes_that_are_no_checkpoint(tmp_path):
    path = tmp_path / "noise.pth"
    noise = random.Random(0)
    texts = [b"hello world\n", b"PK\3\4" + bytes(50), pickle.dumps({"a": 1}), pickle.dumps(object)]
    for data in texts + [b"\x80\x02" + noise.randbytes(n) for n in range(200)]:
        path.write_bytes(data)
        refused(path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, None, torch.zeros(3), {"model": {"a": "b"}}])
def test_a_file_without_a_state_dict(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    assert "holds no state dict" in refused(tmp_path / "a.pth").message


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "ran").touch, ()

    torch.save({"a": Trap()}, tmp_path / "trap.pth")
    refused(tmp_path / "trap.pth")
    assert not (tmp_path / "ran").exists()


def test_unknown_names_and_paths(tmp_path):
    error = refused("stcn-tyni")
    assert error.message == "unknown model 'stcn-tyni'"
    assert "did you mean stcn-tiny?" in error.hint
    assert f"no checkpoint {tmp_path / 'stcn.pth'}" in refused(tmp_path / "stcn.pth").message
    assert "no checkpoint" in refused(tmp_path).message


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert refused("stcn-tiny", device="cuda").hint == "run on the CPU: device='cpu' (--device cpu)"
    assert "unknown device 'tpu'" in refused("stcn-tiny", device="tpu").message
    assert "unknown device 'mps'" in refused("stcn-tiny", device="mps").message


def test_the_second_gpu_is_that_of_clocks_and_waits(monkeypatch):
    """Events and synchronisation go to torch's current device."""
    current = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    assert check_device("cuda:1") == torch.device("cuda:1")
    assert current == [torch.device("cuda:1")]
    assert "no such GPU" in refused("stcn-tiny", device="cuda:2").message
    assert len(current) == 1
