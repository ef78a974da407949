"""Whatever a training wraps around the weights, they are found; and what is no file of weights is called what it is."""

import argparse
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.stcn.network import CONFIGS, FIRST_VALUE_CONVOLUTION, STCN

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def weights() -> State:
    torch.manual_seed(0)
    return STCN(CONFIGS["stcn-tiny"]).state_dict()


def under(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


def older(state: State) -> State:
    """What an average of these weights is not."""
    return {key: value + 1 if value.is_floating_point() else value for key, value in state.items()}


def within(state: State, part: str) -> State:
    """A wrapper around each part of the network."""
    return {key.replace(".", f".{part}.", 1): value for key, value in state.items()}


WRAPPED = {
    "as it is": lambda s: s,
    "DataParallel": lambda s: under("module.", s),
    "compiled": lambda s: under("_orig_mod.", s),
    "compiled and parallel": lambda s: under("module._orig_mod.", s),
    "parallel and compiled": lambda s: under("_orig_mod.module.", s),
    "parts compiled": lambda s: within(s, "_orig_mod"),
    "parts parallel": lambda s: within(s, "module"),
    "network": lambda s: {"network": s, "it": 150000, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}},
    "state_dict": lambda s: {"state_dict": s, "epoch": 3, "best_acc": 0.5},
    "model_state_dict": lambda s: {"model_state_dict": under("module.", s), "scheduler": {"last_epoch": 1}},
    "model with more beside it": lambda s: {"model": s, "args": argparse.Namespace(lr=0.1), "score": np.float64(0.5)},
    "Lightning": lambda s: {"state_dict": {**under("model.", s), "criterion.weight": torch.ones(2)}, "callbacks": {}},
    "a name of one's own": lambda s: {"checkpoint": {"net_G": under("stcn.net.", s)}},
    "numbers beside the tensors": lambda s: {**s, "epoch": 3, "name": "night"},
    "of torch.optim.swa_utils": lambda s: {**under("module.", s), "n_averaged": torch.tensor(5)},
    "the same twice": lambda s: {"state_dict": s, "best": {k: v.clone() for k, v in s.items()}},
    "as an OrderedDict of parameters": lambda s: OrderedDict((key, nn.Parameter(s[key], False)) for key in s),
    "before torch 0.4": lambda s: {k: v for k, v in s.items() if not k.endswith("num_batches_tracked")},
    "of FSDP": lambda s: under("_fsdp_wrapped_module.", s),
    "of checkpointed activations": lambda s: {
        key.replace("key_encoder.", "key_encoder._checkpoint_wrapped_module."): value for key, value in s.items()
    },
    "first of a pair": lambda s: (s, {"lr": 1e-4}),
    "deep in a list": lambda s: {"run": [{"epoch": 3}, {"model": {"state_dict": s}}]},
}


@pytest.mark.parametrize("how", WRAPPED)
def test_the_weights_are_found(weights: State, tmp_path: Path, how: str) -> None:
    torch.save(WRAPPED[how](weights), tmp_path / "mine.pth")
    checkpoint = read_checkpoint(tmp_path / "mine.pth")
    assert checkpoint.config == "stcn-tiny"
    assert checkpoint.state.keys() == weights.keys()
    for key, value in weights.items():
        assert torch.equal(checkpoint.state[key], value), key
    checkpoint.build()


AVERAGED: dict[str, tuple[str, Callable[[State], object]]] = {
    "model_ema": ("averaged too", lambda s: {"model": older(s), "model_ema": s}),
    "ema_state_dict.module": (
        "averaged in a wrapper",
        lambda s: {"state_dict": older(s), "ema_state_dict": {"module": s}, "ema_decay": 0.99},
    ),
    "ema.shadow": (
        "in another form than the other",
        lambda s: {"net": older(s), "ema": {"shadow": under("module.", s)}},
    ),
    "ema_model": ("averaged by prefix", lambda s: {**under("online_model.", older(s)), **under("ema_model.", s)}),
    "model_average": ("averaged by prefix alone", lambda s: {**older(s), **under("model_average.", s)}),
    "average": ("a training of vosbench", lambda s: {"model": older(s), "average": s, "step": 3}),
}


@pytest.mark.parametrize("place", AVERAGED)
def test_of_two_networks_the_average_is_taken_and_it_is_said(weights: State, tmp_path: Path, place: str) -> None:
    torch.save(AVERAGED[place][1](weights), tmp_path / "mine.pth")
    with pytest.warns(UserWarning, match=rf"mine\.pth holds 2 networks, .*: taken is the average, '{place}'$"):
        checkpoint = read_checkpoint(tmp_path / "mine.pth")
    assert all(torch.equal(checkpoint.state[key], value) for key, value in weights.items())


TWO: dict[str, Callable[[State], object]] = {
    "'student', 'teacher'": lambda s: {"student": s, "teacher": older(s)},
    "'net', 'student'": lambda s: {"net": older(s), "student": {"module." + key: value for key, value in s.items()}},
    "'model.student', 'model.teacher'": lambda s: {"model": {**under("student.", s), **under("teacher.", older(s))}},
    "'the top level', 'best'": lambda s: {**s, "best": older(s)},
    "'ema1', 'ema2'": lambda s: {"ema1": s, "ema2": older(s)},
}


@pytest.mark.parametrize("places", TWO)
def test_two_networks_of_which_none_is_meant_are_refused(weights: State, tmp_path: Path, places: str) -> None:
    torch.save(TWO[places](weights), tmp_path / "mine.pth")
    error = refused(tmp_path / "mine.pth")
    for place in places.split(", "):
        assert place.strip("'") in error.message
    assert "holds 2 networks, and it does not say which is meant" in error.message
    assert "save one alone: torch.save(torch.load('mine.pth')" in error.hint


def test_a_single_object_network_in_a_wrapper(weights: State, tmp_path: Path) -> None:
    four = weights | {FIRST_VALUE_CONVOLUTION: weights[FIRST_VALUE_CONVOLUTION][:, :4].clone()}
    torch.save({"network": under("module.", four)}, tmp_path / "s02.pth")
    assert read_checkpoint(tmp_path / "s02.pth").state[FIRST_VALUE_CONVOLUTION].shape[1] == 5


@pytest.mark.parametrize("legacy", [True, False])
def test_the_content_says_which_kind_of_file_it_is(weights: State, tmp_path: Path, legacy: bool) -> None:
    save_file(weights, tmp_path / "a.pth")
    torch.save(weights, tmp_path / "b.safetensors", _use_new_zipfile_serialization=not legacy)
    for name in ("a.pth", "b.safetensors"):
        assert read_checkpoint(tmp_path / name).config == "stcn-tiny"


def refused(path: Path) -> VosbenchError:
    with pytest.raises(VosbenchError) as caught:
        read_checkpoint(path)
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message + caught.value.hint
    assert caught.value.hint
    return caught.value


HALF = b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
NO_WEIGHTS = {
    "a web page": (b"<!DOCTYPE html><html><title>Google Drive - Virus scan warning", "is a web page", "login"),
    "an error of a server": (b"\xef\xbb\xbf\r\n<?xml version='1.0'?><Error>AccessDenied", "is a web page", "login"),
    "a Git LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
        "Git LFS pointer",
        "lfs pull",
    ),
    "nothing": (b"", "is empty", "again"),
    "gzip": (b"\x1f\x8b\x08" + bytes(99), "is an archive", "unpack"),
    "half a zip": (b"PK\3\4" + bytes(99), "is truncated", "again"),
    "half a safetensors": ((5000).to_bytes(8, "little") + b'{"a":{"dtype"', "is truncated", "again"),
    "an answer in JSON": (b'{"message": "Not Found"}', "is a text, such as JSON, not a checkpoint", "again"),
    "a text of any language": (
        "Les poids sont là, mais où ? Nulle part, à vrai dire, hélas – é".encode(),
        "is a text",
        "again",
    ),
    "what a pickle never put aside": (b"junk\n\x00", r"is not a readable checkpoint (KeyError)", "state dict"),
    "an ONNX file": (
        b"\x08\x07\x12\x07pytorch" + bytes(60),
        "(torch.save did not write it, or it is damaged)",
        "state",
    ),
    "a pickle of something else": (pickle.dumps({"a": 1}), "(torch.save did not write it, or it is damaged)", "state"),
    "safetensors without its end": (
        len(HALF).to_bytes(8, "little") + HALF + bytes(8),
        "is truncated",
        "again",
    ),
    "JSON like safetensors": (b'{"abcd":{"dtype":"F32"}}', "is a text, such as JSON, not a checkpoint", "again"),
}


@pytest.mark.parametrize("what", NO_WEIGHTS)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_no_file_of_weights(tmp_path: Path, what: str, suffix: str) -> None:
    content, message, hint = NO_WEIGHTS[what]
    (tmp_path / f"a{suffix}").write_bytes(content)
    error = refused(tmp_path / f"a{suffix}")
    assert message in error.message
    assert hint in error.hint


def test_a_zip_of_weights(weights: State, tmp_path: Path) -> None:
    import zipfile

    torch.save(weights, tmp_path / "stcn.pth")
    with zipfile.ZipFile(tmp_path / "stcn.zip", "w") as file:
        file.write(tmp_path / "stcn.pth", "stcn.pth")
    assert "is an archive of stcn.pth" in refused(tmp_path / "stcn.zip").message


@pytest.mark.filterwarnings("ignore")
def test_a_pickled_network(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    error = refused(tmp_path / "whole.pth")
    assert "holds more than tensors: torch.nn.modules.linear.Linear" in error.message
    assert "model.state_dict()" in error.hint


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", ["decoder.pred.weight", "key_proj.key_proj.bias"])
def test_weights_that_are_no_numbers(weights: State, tmp_path: Path, value: float, key: str) -> None:
    spoilt = weights[key].clone()
    spoilt.view(-1)[-1] = value
    torch.save({"model": weights | {key: spoilt}}, tmp_path / "nan.pth")
    error = refused(tmp_path / "nan.pth")
    assert f"weights that are no numbers: {key} has NaN or infinity" in error.message


def test_what_does_not_fit_is_said_of_the_weights_within(weights: State, tmp_path: Path) -> None:
    lacking = {key: value for key, value in weights.items() if key != "decoder.pred.bias"}
    torch.save({"network": under("module.", lacking) | {"module.head": torch.ones(1)}}, tmp_path / "a.pth")
    message = refused(tmp_path / "a.pth").message
    assert "1 missing (decoder.pred.bias)" in message
    assert "1 unexpected (head)" in message
