"""Every part of a checkpoint is looked at before any is used: what is damaged is named, wherever it is read."""

import copy
import re
from dataclasses import replace
from functools import reduce
from operator import getitem

import pytest
import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.models.stcn.network import CONFIGS, STCN
from vosbench.training.export import export_weights
from vosbench.training.optimise import build_optimizer, build_schedule
from vosbench.training.state import check_parts, read_state
from vosbench.training.train import Trainer
from vosbench.training.training import train


@pytest.fixture(scope="module")
def sound(small_config, tmp_path_factory):
    """A training, and its checkpoint after two of its four steps."""
    config, folder = replace(small_config, average=0.9), tmp_path_factory.mktemp("sound")
    Trainer(replace(config, stop_at=2), folder).run()
    return config, folder / "last.pt"


@pytest.fixture(scope="module")
def parts(sound):
    """The parts of that training as they are before it goes on."""
    model = STCN(CONFIGS[sound[0].model])
    optimizer = build_optimizer(model, sound[0])
    return {
        "optimizer": optimizer,
        "schedule": build_schedule(optimizer, sound[0]),
        "scaler": torch.amp.GradScaler("cpu", enabled=False),
    }


@pytest.fixture(scope="module")
def state(sound, parts):
    """What that checkpoint holds."""
    _, path = sound
    state = read_state(path)
    check_parts(path, state, parts)
    return state


def changed(state, where, value):
    """A tree that has a value, or what a function makes of the one that is there, in that place; the rest is shared."""
    key, *way = where
    copied = copy.copy(state)
    if way:
        copied[key] = changed(state[key], way, value)
    elif value is LACKS:
        del copied[key]
    else:
        copied[key] = value(state[key]) if callable(value) else value
    return copied


LACKS, MOMENTS = object(), ("optimizer", "state", 40)
FOR_ALL = [  # whoever reads a checkpoint
    (("step",), "2", "its step is '2', not a whole number from 0 on"),
    (("step",), None, "its step is None, not a whole number from 0 on"),
    (("step",), [2], r"its step is \[2\], not a whole number from 0 on"),
    (("step",), True, "its step is True, not a whole number from 0 on"),
    (("step",), -1, "its step is -1, not a whole number from 0 on"),
    (("step",), 2.0, r"its step is 2\.0, not a whole number from 0 on"),
    (("step",), torch.tensor(2), r"its step is a tensor of shape \[\] \(int64\), not a whole number from 0 on"),
    (("best",), "high", "its best is 'high', not a J&F"),
    (("best",), float("nan"), "its best is nan, not a J&F"),
    (("config", "size"), torch.zeros(2), "its config holds what is no setting"),
    (("config", "model"), [1], "does not say of which model it is"),
    (("config", "model"), None, "does not say of which model it is"),
    (("model",), None, "its model is None, not the tensors of a network"),
    (("model",), {}, r"its model does not fit small: \d+ of its tensors lack or do not fit \(.*\)"),
    (("model",), [], r"its model is \[\], not the tensors of a network"),
    (("model", "decoder.pred.weight"), 3, r"its model does not fit small: 1 of .* \(decoder\.pred\.weight\)"),
    (
        ("model", "decoder.pred.weight"),
        lambda x: x * torch.nan,
        r"its model is not finite: 1 of .* \(decoder\.pred\.weight\)",
    ),
    (("average", "decoder.pred.weight"), lambda x: x + torch.inf, r"its average is not finite: 1 of .*"),
    *[
        (("model", "decoder.pred.weight"), make, r"its model does not fit small: 1 of .* \(decoder\.pred\.weight\)")
        for make in (Tensor.long, Tensor.bool, Tensor.half, Tensor.to_sparse, lambda x: x.to(torch.complex64))
    ],
    *[(("best",), value, f"its best is {value}, not a J&F") for value in (torch.inf, 100.5, -1, 10**20)],
    (("config", "validation"), [1], r"its config\.validation is \[1\], not a table"),
    (("average",), None, "its average is None, not the tensors of a network"),
    (("average",), {}, r"its average does not fit small: \d+ of its tensors lack or do not fit \(.*\)"),
    (("average",), LACKS, "its average is None, not the tensors of a network"),
    (("average", "decoder.pred.weight"), torch.zeros(1), r"its average .* \(decoder\.pred\.weight\)"),
]
FOR_A_TRAINING = [
    (("step",), 1, "its schedule.last_epoch is 2, not 1"),
    (("optimizer",), {}, "its optimizer lacks state, param_groups"),
    (("optimizer",), 3, "its optimizer is 3, not a table"),
    (("optimizer", "param_groups"), [], r"its optimizer\.param_groups is \[\], not a list of 2"),
    (("optimizer", "param_groups", 0, "lr"), "fast", r"its optimizer\.param_groups\[0\]\.lr is 'fast', not [\d.e-]+$"),
    (("optimizer", "param_groups", 1, "lr"), float("nan"), r"\.param_groups\[1\]\.lr is nan, not [\d.e-]+$"),
    (("optimizer", "param_groups", 0, "betas"), 0.9, r"\.param_groups\[0\]\.betas is 0\.9, not a list of 2"),
    (
        ("optimizer", "param_groups", 0, "amsgrad"),
        True,
        r"its optimizer\.param_groups\[0\]\.amsgrad is True, not False",
    ),
    (("optimizer", "param_groups", 1, "fused"), True, r"its optimizer\.param_groups\[1\]\.fused is True"),
    (("optimizer", "param_groups", 0, "lr"), LACKS, r"its optimizer\.param_groups\[0\] lacks lr"),
    (("optimizer", "param_groups", 0, "params"), [0], r"its optimizer\.param_groups\[0\]\.params is \[0\], not a list"),
    (("optimizer", "state"), {}, r"its optimizer\.state lacks \d+ of \d+ parameters after 2 steps"),
    (("optimizer", "state", 9999), {}, r"its optimizer\.state\[9999\] belongs to no parameter"),
    (MOMENTS, 1, r"its optimizer\.state\[40\] is 1, not a table"),
    (
        (*MOMENTS, "exp_avg"),
        torch.zeros(1, 7),
        r"\.state\[40\]\.exp_avg is a tensor of shape \[1, 7\] \(float32\), not float32 of",
    ),
    ((*MOMENTS, "exp_avg_sq"), LACKS, r"its optimizer\.state\[40\]\.exp_avg_sq is None, not float32 of shape"),
    ((*MOMENTS, "step"), 2, r"its optimizer\.state\[40\]\.step is 2, not float32 of shape \[\]"),
    (("schedule",), {}, "its schedule lacks .*last_epoch"),
    (("schedule",), {"foo": 1}, "its schedule lacks .*last_epoch"),
    (("schedule",), None, "its schedule is None, not a table"),
    (("schedule", "base_lrs"), ["a", "b"], r"its schedule\.base_lrs\[0\] is 'a', not 6e-05"),
    (("schedule", "total_steps"), 9, "its schedule.total_steps is 9, not 4"),
    (("schedule", "_anneal_func_type"), "x", r"its schedule\._anneal_func_type is 'x', not 'cos'"),
    (("schedule", "last_epoch"), 7, "its schedule.last_epoch is 7, not 2"),
    (MOMENTS, LACKS, r"its optimizer\.state lacks 1 of \d+ parameters after 2 steps"),
    *[
        ((*MOMENTS, "step"), torch.tensor(value), r"\.state\[40\]\.step is none of Adam after 2 steps")
        for value in (0.0, -5.0, 1.5, 3.0, 1e30, torch.nan)
    ],
    ((*MOMENTS, "exp_avg"), lambda x: x * torch.nan, r"\.state\[40\]\.exp_avg is none of Adam after 2 steps"),
    ((*MOMENTS, "exp_avg_sq"), lambda x: -x - 1, r"\.state\[40\]\.exp_avg_sq is none of Adam after 2 steps"),
    ((*MOMENTS, "exp_avg"), Tensor.half, r"\.exp_avg is a tensor of shape .* \(float16\), not float32 of shape"),
    ((*MOMENTS, "exp_avg"), Tensor.to_sparse, r"\.exp_avg is a tensor of .* \(float32, sparse_coo\), not float32 of"),
    *[
        (("optimizer", "param_groups", 0, name), value, rf"its optimizer\.param_groups\[0\]\.{name}.* is .*, not ")
        for name, value in (("lr", 123.0), ("lr", -1.0), ("betas", (0.1, 5.0)), ("betas", (0.1, 0.999)))
    ],
    *[
        (("schedule", name), value, f"its schedule has '{name}', which is no part of it")
        for name, value in (("step", 5), ("optimizer", 5), ("get_lr", "x"), ("step", True))
    ],
    (("schedule", "_last_lr"), [1e9, 1e9], r"its schedule\._last_lr\[0\] is 1000000000\.0, not "),
    (("schedule", "_step_count"), torch.nan, r"its schedule\._step_count is nan, not a number from 0 on"),
    (("scaler",), [1], r"its scaler is \[1\], not a table"),
]


def damaged(state, folder, where, value):
    folder.mkdir()
    torch.save(changed(state, where, value), folder / "last.pt")
    return folder / "last.pt"


def is_one_line(error, path, said):
    assert re.search(rf"{re.escape(str(path))} (is damaged: )?.*{said}", error.message)
    assert "\n" not in error.message
    assert len(error.message) < 200 + len(str(path))
    assert error.hint


@pytest.mark.parametrize(("where", "value", "said"), FOR_ALL)
def test_what_the_checkpoint_alone_tells(state, tmp_path, where, value, said):
    path = damaged(state | {"optimizer": {}}, tmp_path / "on", where, value)  # at which only a training looks
    with pytest.raises(VosbenchError) as caught:
        read_state(path)
    is_one_line(caught.value, path, said)
    assert "model" not in where or "config" in where or caught.value.hint == "train again into an empty folder"


@pytest.mark.parametrize(("where", "value", "said"), FOR_A_TRAINING)
def test_what_the_training_tells(sound, state, parts, where, value, said):
    _, path = sound
    with pytest.raises(VosbenchError) as caught:
        check_parts(path, changed(state, where, value), parts)
    is_one_line(caught.value, path, said)
    assert caught.value.hint == "train again into an empty folder"


@pytest.mark.parametrize(("where", "value", "said"), [FOR_ALL[0], FOR_ALL[12], FOR_ALL[16], FOR_A_TRAINING[1]])
def test_nobody_uses_a_damaged_part(sound, state, tmp_path, where, value, said):
    config, path = sound[0], damaged(state, tmp_path / "on", where, value)
    before = path.read_bytes()
    with pytest.raises(VosbenchError, match=said):
        Trainer(config, path.parent)
    assert path.read_bytes() == before
    if where == ("optimizer",):
        return  # no matter to an export
    with pytest.raises(VosbenchError, match=said):
        export_weights(path, tmp_path / "a.safetensors")
    with pytest.raises(VosbenchError, match=said) as caught:
        train(config, tmp_path / "other", tmp_path / "a.safetensors", [path])
    assert "--average" in caught.value.hint
    assert not (tmp_path / "a.safetensors").exists()
    assert not (tmp_path / "other").exists()


def test_a_damaged_best_one_is_removed_and_the_last_one_exported(sound, state, tmp_path):
    config, path = sound[0], damaged(state, tmp_path / "on", ("best",), 30.0)
    best = path.with_name("best.pt")
    best.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(VosbenchError, match=r"best\.pt is not a readable checkpoint") as caught:
        export_weights(best, tmp_path / "a.safetensors")
    assert caught.value.hint.startswith(f"remove it: {path} is exported")
    best.unlink()
    with pytest.warns(match="the best is sought anew"):
        assert train(config, path.parent, tmp_path / "a.safetensors").checkpoint == path


def test_a_checkpoint_of_an_older_torch_goes_on(sound, state, tmp_path):
    """Which knew fewer flags, and of another device, which had no scaler."""
    new = [(("optimizer", "param_groups", group), "decoupled_weight_decay") for group in (0, 1)]
    for place, flag in (*new, (("schedule",), "_is_initial")):
        if flag in reduce(getitem, place, state):  # this torch may be as old
            state = changed(state, (*place, flag), LACKS)
    path = damaged(state, tmp_path / "on", ("scaler",), LACKS)
    Trainer(sound[0], path.parent).run()
    assert read_state(path)["step"] == 4


@pytest.mark.parametrize("changes", [{"schedule": "step"}, {"frozen": ("key_encoder",), "batch": 1}])
def test_a_sound_checkpoint_is_none_of_these(small_config, tmp_path, changes):
    """After each step the rates are what the settings give: no rounding makes damage of them."""
    config = replace(small_config, **changes)
    for step in range(1, 5):
        Trainer(replace(config, stop_at=step), tmp_path).run()
        assert Trainer(config, tmp_path).step == step
