"""Settings: read from TOML, shipped by name, and refused in one line where they are wrong."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from safetensors import safe_open

from vosbench.base.settings import read_toml
from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import WEIGHTS
from vosbench.training.augment import StaticAugmentation
from vosbench.training.config import (
    INCIDENTAL,
    SHIPPED,
    GeneratedData,
    StaticData,
    TrainConfig,
    VideoData,
    shipped_configs,
)
from vosbench.training.stages import read_stages


def refused(tmp_path: Path, text: str) -> VosbenchError:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    with pytest.raises(VosbenchError) as caught:
        read_stages(path)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def test_settings_are_read(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text('size = 96\nlearning_rate = 1\nphotos = "somewhere"\n')
    config = read_stages(path)[0].config
    assert (config.size, config.learning_rate, config.photos, config.batch) == (96, 1, "somewhere", 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz = 3", "unknown setting in tiny.toml 'stepz'"),
        ("steps = 3.5", "steps must be of type int, not 3.5"),
        ("steps = true", "steps must be of type int, not True"),
        ("steps = '3'", "steps must be of type int, not '3'"),
        ("steps =", "is not TOML"),
        ("model = 'stcn-tyni'", "unknown model 'stcn-tyni'"),
        ("size = 100", "size must be a multiple of 16"),
        ("batch = 0\nsize = 16", "size must be at least 32; batch must be at least 1"),
        ("bootstrap_start = 9000", "bootstrap_end must come after bootstrap_start"),
        ("warmup = 1.5", "warmup must lie between 0 and 1"),
        ("affinity_dropout = 1.0", "affinity_dropout must be at least 0 and less than 1"),
        ("gradient_norm = -1", "gradient_norm must be at least 0"),
        ("optimizer = 'adan'", "unknown optimizer in tiny.toml 'adan'"),
        ("reallocation = true", "unknown reallocation in tiny.toml 'True'"),
        ("gaps = 5", "gaps must be a list"),
        ("gaps = [[0, 5], [0.1]]", "gaps[1] must be a list of 2, not [0.1]"),
        ("gaps = [[0, 5.5]]", "gaps[0][1] must be of type int, not 5.5"),
        ("gaps = [[0.1, 5]]", "gaps must begin at share 0"),
        ("gaps = [[0, 5], [0, 6]]", "gaps must begin at share 0"),
        ("gaps = []", "gaps must begin at share 0"),
        ("data = 3", "data must be tables"),
        ("data = []", "data needs an entry"),
        ("[[data]]\nroot = 'x'", "a [[data]] table lacks kind"),
        ("[[data]]\nkind = 'davis17'", "unknown kind of data in tiny.toml 'davis17'"),
        ("[[data]]\nkind = 'davis2017'", "tiny.toml: [data] lacks root"),
        ("", "tiny.toml sets nothing"),
        ("# a comment alone", "tiny.toml sets nothing"),
        ("[[data]]\nkind = 'cutouts'\nroots = ['x']\nfrom_video = 1.0", "from_video does nothing without videos"),
        ("[[data]]\nkind = 'generated'\nclips = 5\nweight = 1", "clips does nothing beside a weight"),
        ("[[data]]\nkind = 'static'\nroot = 'x'\nrepeat = 2\nweight = 1", "repeat does nothing beside a weight"),
        (
            "[[data]]\nkind = 'static'\nroot = 'x'\nrepeats = 2",
            "unknown setting in tiny.toml [data] 'repeats'",
        ),
        ("[[data]]\nkind = 'cutouts'", "tiny.toml: [data] lacks roots"),
        ("[[data]]\nkind = 'generated'\nweight = 1\n[[data]]\nkind = 'generated'", "either every source of data has"),
        ("average = 1.0", "average must be at least 0 and less than 1"),
        ("spoiled = 1.5", "spoiled must be at least 0 and at most 1"),
        ("jaccard = -1", "jaccard must be at least 0"),
        ("[[data]]\nkind = 'static'\nroot = 'x'\nrepeat = 0", "data[0].repeat must be at least 1"),
        ("[[data]]\nkind = 'static'\nroot = 'x'\n[data.augment]\nflips = 1", "[data.augment] 'flips'"),
        ("[[data]]\nkind = 'static'\nroot = 'x'\naugment = 2", "data.augment must be of type table, not 2"),
        (
            "[[data]]\nkind = 'static'\nroot = 'x'\n[data.augment]\nscale = [1, 2, 3]",
            "data.augment.scale must be a list",
        ),
        ("[[data]]\nkind = 'folder'\nroot = 'x'\nsequences = ['a', 2]", "data.sequences[1] must be of type str"),
        ("[validation]\nevry = 3", "unknown setting in tiny.toml [validation] 'evry'"),
        ("[validation]\ndataset = 'davis'", "unknown data set 'davis'"),
        ("[validation]\nevery = 0", "validation.every must be at least 1"),
    ],
)
def test_bad_settings(tmp_path, text, message):
    assert message in refused(tmp_path, text).message


def test_files_that_are_no_settings(tmp_path):
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(VosbenchError, match="cannot read"):
            read_stages(path)
    (tmp_path / "tiny.toml").write_bytes(b"\xff\xff")
    with pytest.raises(VosbenchError, match="is not TOML"):
        read_stages(tmp_path / "tiny.toml")


def test_near_misses_are_named(tmp_path):
    assert refused(tmp_path, "stepz = 3").hint == "did you mean steps or stop_at?"
    assert 'kind = "generated"' in refused(tmp_path, "[[data]]\nkind = 'synthetic'").hint
    assert "davis2017" in refused(tmp_path, "[[data]]\nkind = 'davis17'").hint
    assert "repeat" in refused(tmp_path, "[[data]]\nkind = 'static'\nroot = 'x'\nrepeats = 2").hint
    assert "it is 8000 by default" in refused(tmp_path, "steps = '3'").hint


def test_tables(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(
        """
        gaps = [[0, 3], [0.5, 9]]
        [[data]]
        kind = "generated"
        clips = 7
        [[data]]
        kind = "static"
        root = "duts"
        repeat = 5
        [data.augment]
        scale = [1, 2]
        [[data]]
        kind = "folder"
        root = "videos"
        split = "all"
        sequences = ["a", "b"]
        [validation]
        limit = 3
        """
    )
    config = read_stages(path)[0].config
    generated, static, video = config.data
    assert generated == GeneratedData(clips=7)
    assert static == StaticData("duts", repeat=5, augment=StaticAugmentation(scale=(1.0, 2.0)))
    assert static.augment.crop == "shorter-side"  # the defaults of the kind remain
    assert isinstance(video, VideoData)
    assert (video.kind, video.split, video.sequences, video.augment.crop) == ("folder", "all", ("a", "b"), "resized")
    assert config.gaps == ((0.0, 3), (0.5, 9))
    assert config.validation is not None
    assert (config.validation.dataset, config.validation.limit) == ("synthetic", 3)


@pytest.mark.parametrize("name", shipped_configs())
def test_shipped_settings_are_sound_and_explained(name):
    given = read_toml(SHIPPED / f"{name}.toml", "")
    assert len(shipped_configs()[name]) > 20
    for stage, own in zip(read_stages(name), given.pop("stages"), strict=True):
        assert stage.config.steps >= 380
        told = stage.config.validation is not None and not stage.config.validation.keep_best
        assert told == name.startswith("stcn-tiny")  # J&F is shown, and what is exported is the end
        constants = {f.name for f in fields(TrainConfig)} - set(given) - set(own)
        # Nothing that matters to this training is left to a default.
        assert constants <= {
            *("initial", "key_encoder", "value_encoder", "new_others", "photos", "validation", "frozen", "beta1"),
            *("frozen_batch_norm", "key_encoder_rate", "warmup", "decay_at", "decay", "max_gap", "gaps", "stop_at"),
            *("affinity_dropout", "reallocation", "jaccard", "dice", "spoiled", "average", "save_minutes"),
        }


@pytest.mark.parametrize(("stage", "part"), [(-1, 0), (-2, 1)])
def test_the_settings_that_ship_are_those_of_the_bundled_weights(stage, part):
    """As the weights' file tells them, but for the folders of one machine; what is newer has its default."""
    with safe_open(WEIGHTS / "stcn-tiny.safetensors", "pt") as file:
        about = json.loads(file.metadata()["training"])
    trained = [about, *about["averaged_with"]][part]
    config = read_stages("stcn-tiny")[stage].config
    assert config.end == trained["step"]

    def comparable(value):
        if isinstance(value, dict):
            return {key: comparable(one) for key, one in value.items() if key not in {"initial", *INCIDENTAL}}
        if isinstance(value, list):
            return [comparable(one) for one in value]
        return Path(value).name if isinstance(value, str) else value

    before = {"dice": TrainConfig.dice} | trained["config"]
    newer = {"trust_masks": VideoData.trust_masks}
    before["data"] = [(newer if "frame_step" in data else {}) | data for data in before["data"]]
    assert comparable(json.loads(json.dumps(asdict(config)))) == comparable(before)


def test_the_papers_constants():
    zero, one = (stage.config for stage in read_stages("paper"))
    for config, steps, batch, objects in ((zero, 300_000, 16, 1), (one, 150_000, 8, 2)):
        assert (config.model, config.size, config.objects) == ("stcn", 384, objects)
        assert (config.steps, config.batch) == (steps, batch)
        assert (config.optimizer, config.learning_rate, config.weight_decay) == ("adam", 1e-5, 1e-7)
        assert (config.beta1, config.beta2) == (0.9, 0.999)
        assert (config.schedule, config.decay, config.decay_at) == ("step", 0.1, 0.5)
        assert (config.bootstrap_start, config.bootstrap_end, config.bootstrap_final) == (20_000, 70_000, 0.15)
        assert config.frozen_batch_norm == ("key_encoder", "value_encoder")
        assert config.precision == "mixed"
    assert {Path(data.root).name: data.repeat for data in zero.data} == {
        "DUTS": 1,
        "FSS1000": 1,
        "ECSSD": 1,
        "BIG": 5,
        "HRSOD": 5,
    }
    assert [(data.kind, data.repeat, data.frame_step) for data in one.data] == [
        ("davis2017", 5, 1),
        ("youtube-vos-2019", 1, 5),
    ]


def test_a_name_that_is_not_shipped():
    with pytest.raises(VosbenchError, match="unknown training configuration 'papers'") as caught:
        read_stages("papers")
    assert "paper" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("learning_rate = nan", "learning_rate must be above 0"),
        ("learning_rate = -1.0", "learning_rate must be above 0"),
        ("beta1 = 2.0", "beta1 must be at least 0 and less than 1"),
        ("weight_decay = -1.0", "weight_decay must be at least 0"),
        ("jaccard = nan", "jaccard must be at least 0"),
        ("gradient_norm = -1.0", "gradient_norm must be at least 0"),
    ],
)
def test_numbers_of_the_optimiser_have_bounds(tmp_path, line, message):
    (tmp_path / "bad.toml").write_text(line)
    with pytest.raises(VosbenchError, match=message):
        read_stages(tmp_path / "bad.toml")
