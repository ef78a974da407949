"""Numbers of a training's settings: finite and within their bounds, and named where two trainings differ."""

import copy
import re
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from vosbench.errors import VosbenchError
from vosbench.training.augment import Augmentation
from vosbench.training.config import CutoutData, TrainConfig, VideoData
from vosbench.training.freezing import freeze
from vosbench.training.log import _row
from vosbench.training.stages import read_stages

WHOLE = """
gaps = [[0.0, 5], [0.5, 9]]
learning_rate = 0.001
weight_decay = 0.0
warmup = 0.1
decay_at = 0.5
decay = 0.1
gradient_norm = 1.0
key_encoder_rate = 1.0
beta1 = 0.9
beta2 = 0.9
bootstrap_final = 0.1
jaccard = 0.5
dice = 0.1
spoiled = 0.1
average = 0.9
affinity_dropout = 0.1
save_minutes = 1.0
[[data]]
kind = "cutouts"
roots = ["a", "b"]
shares = [0.5, 0.3]
videos = ["v"]
from_video = 0.1
weight = 0.5
[[data]]
kind = "folder"
root = "a"
weight = 0.5
reverse = 0.5
[data.augment]
area = [0.5, 1.0]
aspect = [0.7, 1.3]
scale = [0.7, 1.3]
flip = 0.5
brightness = 0.1
contrast = 0.1
saturation = 0.1
hue = 0.1
grey = 0.1
frame_rotation = 5.0
frame_scale = [0.7, 1.3]
frame_shear = 5.0
frame_brightness = 0.1
frame_contrast = 0.1
frame_saturation = 0.1
"""


def refused(path: Path, text: str) -> VosbenchError:
    path.write_text(text)
    with pytest.raises(VosbenchError) as caught:
        read_stages(path)
    return caught.value


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_every_number_must_be_finite(tmp_path, number):
    """Whatever settings there are: each number of a whole configuration in turn."""
    path = tmp_path / "whole.toml"
    whole = WHOLE.splitlines()
    path.write_text(WHOLE)
    read_stages(path)
    tried = 0
    for place, line in enumerate(whole):
        key, _, value = line.partition(" = ")
        for found in re.finditer(r"\d+\.\d+", value):
            bad = value[: found.start()] + number + value[found.end() :]
            said = refused(path, "\n".join([*whole[:place], f"{key} = {bad}", *whole[place + 1 :]])).message
            assert key in said
            assert number in said or "gaps must" in said
            tried += 1
    floats = [f for kind in (TrainConfig, CutoutData, VideoData, Augmentation) for f in fields(kind) if f.type is float]
    assert set(re.findall(r"^\w+", WHOLE, re.MULTILINE)) >= {f.name for f in floats}
    assert tried >= 40


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("flip = 0.5", "flip = 1.5", "data[1].augment.flip must be at least 0 and at most 1"),
        ("scale = [0.7, 1.3]\nflip", "scale = [1.3, 0.7]\nflip", "data[1].augment.scale must not fall"),
        ("area = [0.5, 1.0]", "area = [0.5, 1.5]", "data[1].augment.area[1] must be above 0 and at most 1"),
        ("shares = [0.5, 0.3]", "shares = [0.5, 0]", "data[0].shares[1] must be above 0"),
        ("shares = [0.5, 0.3]", "shares = [0.5]", "data[0] has 2 roots and 1 shares"),
        ("roots = ['a', 'b']\nshares = [0.5, 0.3]", "roots = []", "data[0] has 0 roots"),
        ("reverse = 0.5", "reverse = -0.5", "data[1].reverse must be at least 0"),
        ("reverse = 0.5", "frame_step = 0", "data[1].frame_step must be at least 1"),
        ("[0.5, 9]", "[1.5, 9]", "gaps must begin at share 0, rise in their shares to at most 1"),
        ("save_minutes = 1.0", "seed = 99999999999", "seed must be at least 0 and less than 2**32"),
        ("save_minutes = 1.0", "save_minutes = -1", "save_minutes must be at least 0"),
    ],
)
def test_numbers_of_the_data_have_bounds(tmp_path, before, after, message):
    path, text = tmp_path / "whole.toml", WHOLE.replace('"', "'")
    assert before in text
    assert message in refused(path, text.replace(before, after)).message


def test_a_training_of_other_settings_is_told_by_what_differs(tmp_path):
    (tmp_path / "whole.toml").write_text(WHOLE)
    config = read_stages(tmp_path / "whole.toml")[0].config
    cutouts, video = config.data
    other = replace(
        config, size=64, data=(replace(cutouts, shares=(0.5, 0.5)), replace(video, augment=Augmentation(flip=0.0)))
    )
    with pytest.raises(VosbenchError) as caught:
        other.check_same_training(asdict(config), Path("last.pt"))
    said = caught.value.message
    assert said.startswith("last.pt is of another training: data[0].shares[1] was 0.3, is 0.5, data[1].augment.")
    assert said.endswith(" more")
    assert len(said) < 250
    with pytest.raises(VosbenchError, match="the number of entries of data was 2, is 1, size was 160, is 64"):
        replace(other, data=(cutouts,)).check_same_training(asdict(config), Path("last.pt"))
    replace(config, workers=3, save_minutes=0.0).check_same_training(asdict(config), Path("last.pt"))


@pytest.mark.parametrize(
    "line", ["objects = 300", "threads = 100_000", "learning_rate = 1e300", "max_gap = 1" + "0" * 20]
)
def test_numbers_that_would_overflow_are_refused(tmp_path, line):
    (tmp_path / "huge.toml").write_text(f"{line}\n")
    with pytest.raises(VosbenchError, match=r"must be at (most|least)"):
        read_stages(tmp_path / "huge.toml")


def test_a_network_of_which_nothing_learns_is_refused(small_model):
    model = copy.deepcopy(small_model).requires_grad_(True)
    with pytest.raises(VosbenchError, match="nothing learns"):
        freeze(model, [name for name, _ in model.named_children()])
    with pytest.raises(VosbenchError, match="unknown part of the network"):
        freeze(model, [""])


def test_an_iou_of_no_object_is_no_damage():
    assert _row("3,0.0507,nan,0.651,,,") == ("3", "0.0507", "nan", "0.651", "", "", "")
    assert _row("3,0.05") is _row("x,0.1,0.2,0.3,") is None
