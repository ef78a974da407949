"""A training in stages: each begins with the weights of the one before, and the whole is stopped and goes on as one."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vosbench.errors import VosbenchError
from vosbench.images import read_size, write_labels
from vosbench.training.config import GeneratedData, StaticData, ValidationConfig, VideoData
from vosbench.training.export import mean_weights
from vosbench.training.files import needed
from vosbench.training.stages import Place, Stage, ending_at, read_stages
from vosbench.training.state import read_state
from vosbench.training.train import Trainer
from vosbench.training.training import train


class StoppedError(Exception):
    """Stands for a kill."""


@pytest.fixture
def stages(small_config, small_davis, pairs, monkeypatch) -> tuple[Stage, ...]:
    """Two steps each: static images, of which the first step is the best; video, and both, each with a mean."""
    monkeypatch.setattr("vosbench.training.validate.Validation.j_and_f", lambda *_: {1: 30.0, 2: 10.0}[AT[0]])
    step = Trainer._update

    def counted(trainer, *clips):
        AT[0] = trainer.step + 1
        return step(trainer, *clips)

    monkeypatch.setattr(Trainer, "_update", counted)
    static, video = StaticData(str(pairs)), VideoData("davis2017", str(small_davis), split="val")
    common = replace(small_config, steps=2, batch=1, objects=1, average=0.9, data=(static,), checkpoint_every=1)
    judged = ValidationConfig("davis2017", str(small_davis), limit=1, every=1)
    return (
        Stage(replace(common, validation=judged), "static"),
        Stage(replace(common, seed=1, objects=2, data=(video,), new_others=True), "video"),
        Stage(replace(common, seed=2, objects=2, data=(static, video)), "both", ("static", "video")),
    )


AT = [0]


def run(stages, folder, stop=None):
    log = []

    def progress(step, loss, iou, speed, score, stage):
        assert speed > 0
        log.append((stage, step, loss, iou, score))
        if stop == (stage, step):
            raise StoppedError

    try:
        train(stages, folder, folder.with_suffix(".safetensors"), progress=progress)
    except StoppedError:
        assert stop
    return log


def logged(folder):
    """curve.csv but for the seconds."""
    return [row[:3] + row[4:] for row in csv.reader((folder / "curve.csv").read_text().splitlines())]


def test_it_is_stopped_anywhere_and_goes_on_as_one(stages, tmp_path):
    """By a kill, which loses the step that it is in, or by an end that is counted over all stages."""
    whole = run(stages, tmp_path / "whole")
    assert [row[:2] for row in whole] == [(name, step) for name in ("static", "video", "both") for step in (1, 2)]
    again = tmp_path / "again"
    for some, kill, told in (
        (stages, ("static", 2), slice(0, 2)),
        (ending_at(stages, 3), None, slice(1, 3)),
        (stages, ("video", 2), slice(3, 4)),
        (stages, ("both", 1), slice(3, 5)),
        (stages, None, slice(4, 6)),
        (stages, None, slice(6, 6)),
    ):
        assert run(some, again, kill) == whole[told]
    assert logged(again) == logged(tmp_path / "whole")
    assert [row[-1] for row in logged(again)][1:] == [row[0] for row in whole]
    assert again.with_suffix(".safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert sorted(path.name for path in again.glob("*")) == ["both", "curve.csv", "static", "video"]
    with pytest.raises(VosbenchError, match="7 is beyond the last step, 6"):
        ending_at(stages, 7)


def test_each_begins_with_what_the_one_before_has_led_to(stages, tmp_path):
    second = replace(stages[1], mean_with=("static",))
    run((stages[0], second, stages[2]), tmp_path / "out")
    ends = {name: tmp_path / "out" / name / "last.pt" for name in ("video", "both")}
    ends["static"] = tmp_path / "out/static/best.pt"
    assert {name: read_state(tmp_path / "out" / name / "last.pt")["config"]["initial"] for name in ends} == {
        "static": "",
        "video": "static/best.pt at step 1",
        "both": "mean of video/last.pt at step 2 and static/best.pt at step 1",
    }
    place = Place("both", ("both",), (ends["video"],))
    begun = Trainer(stages[2].config, tmp_path / "new", place=place).model.state_dict()
    average = read_state(ends["video"])["average"]
    assert all(torch.equal(value, average[name]) for name, value in begun.items())
    exported = load_file(tmp_path / "out.safetensors")
    mean = mean_weights([read_state(ends[name]) for name in ("both", "static", "video")])
    assert all(torch.equal(value, mean[name].to(value.dtype)) for name, value in exported.items())


def test_an_earlier_stage_that_changes_is_refused_before_anything_is_trained(stages, tmp_path):
    short = (replace(stages[0], config=replace(stages[0].config, stop_at=1)), stages[1])
    run(ending_at(short, 2), tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    with pytest.raises(VosbenchError, match=r"stage video in .* has begun, but static is at step 1 of 2") as caught:
        run(stages, tmp_path / "out")
    assert f"remove the folder {tmp_path / 'out/video'}" in caught.value.hint
    (tmp_path / "out/static/best.pt").rename(tmp_path / "kept.pt")
    with (
        pytest.warns(match=r"best\.pt is gone"),
        pytest.raises(VosbenchError, match=r"initial was static/best\.pt at step 1, is static/last\.pt at step 1"),
    ):
        run(short, tmp_path / "out")
    (tmp_path / "kept.pt").rename(tmp_path / "out/static/best.pt")
    with pytest.raises(VosbenchError, match=r"stage video in .* has begun, but still is at step 0 of 1"):
        run((replace(short[0], name="still"), short[1]), tmp_path / "out")
    with pytest.raises(VosbenchError, match="the log of another training, with the stage 'static'"):
        run((Stage(stages[0].config),), tmp_path / "out")
    assert {path: path.read_bytes() for path in before} == before


def test_what_lacks_for_a_late_stage_shows_before_the_first(stages, tmp_path):
    first = replace(stages[0].config, initial="gone.pth")
    absent = replace(stages[2].config, data=(StaticData("nowhere"),))
    with pytest.raises(VosbenchError, match=r"the training needs gone\.pth, nowhere, which"):
        run((Stage(first, "static"), stages[1], replace(stages[2], config=absent)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_for_a_late_stage_shows_before_the_first(stages, tmp_path, small_davis, pairs):
    data = VideoData("davis2017", str(small_davis), split="val", sequences=("beer",))
    masks = tmp_path / "blank"
    shutil.copytree(pairs, masks)
    for path in (masks / "masks").iterdir():
        write_labels(path, np.zeros(read_size(path), np.uint8))
    for changes, said in (
        ({"data": (data,)}, "unknown sequence 'beer'"),
        ({"data": (StaticData(str(masks)),)}, r"none of the \d masks in .* holds an object"),
        ({"photos": str(tmp_path), "data": (GeneratedData(),)}, "no .jpg in "),
        ({"frozen": ("nosuch",)}, "unknown part of the network 'nosuch'"),
        ({"validation": replace(stages[0].config.validation, policy="nope")}, r"\[validation\] .* strategy 'nope'"),
    ):
        late = replace(stages[2], config=replace(stages[2].config, **changes))
        with pytest.raises(VosbenchError, match=f"stage both of the training: .*{said}"):
            run((*stages[:2], late), tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_stage_that_has_ended_asks_for_no_data(stages, tmp_path, monkeypatch):
    done = ending_at(stages, 1)
    assert len(run(done, tmp_path / "out")) == 1
    monkeypatch.setattr("vosbench.training.mixture.Mixture.open", None)
    assert run(done, tmp_path / "out") == []


TWO = "steps = 4\nsize = 32\n[[stages]]\nname = 'a'\nobjects = 1\n[[stages]]\nname = 'b'\nmean_with = ['a']\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps = 4\nstages = 3\n", "stages must be tables"),
        ("stages = []\n", "stages must be tables"),
        (TWO.replace("'b'", "'a'"), "stage a of the training: an earlier stage has its name"),
        (TWO.replace("['a']", "['c']"), "stage b of the training: mean_with names c"),
        (TWO.replace("['a']", "['b']"), "stage b of the training: mean_with names b"),
        (TWO.replace("'a'\nobj", "'../a'\nobj"), "'../a' is no name"),
        (TWO.replace("'b'", f"'{'b' * 300}'"), "b' is no name"),
        (TWO.replace("['a']", "['a', 'a']"), "stage b of the training: mean_with names a stage twice"),
        (TWO + "workers = 100000\n", "stage b of the training: .*workers must be at least 0 and at most 256"),
        ("steps = 4\n[[stages]]\nname = 'curve.csv'\n", "'curve.csv' is no name"),
        (TWO.replace("name = 'b'", ""), r"stage 2: \[stages\] lacks name"),
        (
            TWO.replace("objects = 1", "objekts = 1"),
            r"stage a of the training: unknown setting in mine\.toml, stage 1 'objekts'",
        ),
        ("stepz = 3\n" + TWO, r"^unknown setting in mine\.toml 'stepz'"),
        ("data = [{kind = 'generated', klips = 3}]\n" + TWO, r"^unknown setting in mine\.toml \[data\] 'klips'"),
        (TWO.replace("size = 32", "size = 'small'"), r"^mine\.toml: size must be of type int, not 'small'"),
        (TWO.replace("objects = 1", "objects = 0"), "objects must be at least 1"),
        (TWO + "initial = 'stcn-tiny'\n", "stage b of the training: initial has no use"),
        (TWO + "key_encoder = 'a.pth'\n", "stage b of the training: key_encoder has no use"),
        (TWO + "model = 'stcn'\n", "stage b of the training: its model or device is not that of the first"),
    ],
)
def test_stages_that_cannot_follow_one_another(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(VosbenchError, match=said) as caught:
        read_stages(path)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_what_is_set_above_the_stages_holds_where_they_do_not_set_it(tmp_path):
    (tmp_path / "two.toml").write_text(TWO)
    one, two = read_stages(tmp_path / "two.toml")
    assert [(stage.name, stage.config.steps) for stage in (one, two)] == [("a", 4), ("b", 4)]
    assert (one.config.objects, two.config.objects) == (1, 2)
    assert (one.mean_with, two.mean_with) == ((), ("a",))


@pytest.mark.parametrize("name", ["stcn-tiny", "stcn-tiny-two-stages"])
def test_what_ships_is_trained_whole_at_small_size(name, small_network, pairs, small_davis, tmp_path, monkeypatch):
    """A step of each stage, with all that it draws from; seven stages of a small network, two of the one that ships."""
    monkeypatch.chdir(tmp_path)
    for part in ("JPEGImages", "Annotations"):
        (tmp_path / "clips" / part).mkdir(parents=True)
        (tmp_path / "clips" / part / "bee").symlink_to(small_davis / part / "480p/bee")
    roots = {root for stage in read_stages(name) for root in needed(stage.config, weights=False)} - {"photos"}
    for root in map(Path, roots):
        root.parent.mkdir(exist_ok=True)
        root.symlink_to(pairs if root.parent.name == "static" else tmp_path / "clips")
    small = {"size": 32, "batch": 1, "steps": 1, "stop_at": 0, "workers": 0, "threads": 1, "key_encoder": ""}
    small |= {"validation": None, "photos": "", "log_every": 1}
    if name == "stcn-tiny":
        small |= {"model": small_network, "frozen": ()}
    stages = tuple(replace(stage, config=replace(stage.config, **small)) for stage in read_stages(name))
    log = run(stages, tmp_path / "out")
    assert [row[0] for row in log] == [stage.name for stage in stages]
    assert load_file(tmp_path / "out.safetensors")
