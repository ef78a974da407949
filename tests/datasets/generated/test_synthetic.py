"""The generated data set: the same from the same seed, sound, eventful, and on disk complete or not at all."""

import json
import tracemalloc
from dataclasses import asdict
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vosbench.datasets import open_dataset
from vosbench.datasets.generated import synthetic
from vosbench.datasets.generated.recipe import Recipe, Script
from vosbench.datasets.generated.staging import Stage
from vosbench.datasets.generated.synthetic import Synthetic, generate
from vosbench.datasets.generated.textures import photographs
from vosbench.errors import VosbenchError

SHORT = "length=20,clips=2"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    """The whole of `val`, as `vosbench run` makes it."""
    return Synthetic(tmp_path_factory.mktemp("cache") / "new" / "synthetic")


@pytest.fixture(scope="module")
def made_short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a cache with `SHORT`, to be read only."""
    root = tmp_path_factory.mktemp("short")
    Synthetic(root, SHORT)
    return root


def labels_of(dataset: Synthetic, name: str) -> np.ndarray:
    """The label maps of a clip, uint8 [T,H,W]."""
    return np.stack([source.load().labels for source in dataset.truth(name).masks.values()])


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_seed_determines_every_pixel(tmp_path: Path, made_short: Path) -> None:
    roots = ((made_short, 0), (tmp_path / "two", 0), (tmp_path / "other", 1))
    datasets = [Synthetic(root, f"{SHORT},seed={seed}") for root, seed in roots]
    assert [dataset.split for dataset in datasets] == [SHORT, SHORT, f"{SHORT},seed=1"]
    one, two, other = (files(dataset.root) for dataset in datasets)
    assert len(one) == 2 * 2 * 20 + 2
    assert one == two
    pictures = [name for name in one if name.endswith((".jpg", ".png"))]
    assert all(one[name] != other[name] for name in pictures)
    prints = [dataset.fingerprint("clip-00") for dataset in datasets]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(("clip", "expected"), [(0, "0a61de46370cc395"), (3, "ea7e1ee04c054fa5")])
def test_pixels_are_those_of_this_version_on_every_machine(clip: int, expected: str) -> None:
    """Whoever changes them on purpose puts `VERSION` up. Clip 3 has motion blur."""
    script, digest = Script.parse("val"), blake2b(digest_size=8)
    scene = Stage(script.recipes[clip], (script.seed, clip, 0), photographs("val")).scene()
    for t in (0, 17, 40):
        for pixels in scene.render(t):
            digest.update(pixels.tobytes())
    assert (synthetic.VERSION, digest.hexdigest()) == (2, expected)


def test_the_layout_is_that_of_davis_and_sound(generated: Synthetic) -> None:
    assert generated.problems() == []
    assert generated.sequence_names() == tuple(f"clip-{number:02d}" for number in range(6))
    as_davis = open_dataset("davis2017", generated.root, "val")
    assert as_davis.problems() == []
    assert as_davis.sequence_names() == generated.sequence_names()
    for name in generated.sequence_names():
        sequence = generated.sequence(name)
        assert sequence == as_davis.sequence(name)
        assert len(sequence.frames) == len(generated.truth(name).masks) == 48
        assert sequence.frames[0].load().shape == (192, 288, 3)
        assert sequence.object_ids == tuple(range(1, len(sequence.object_ids) + 1))
        assert set(np.unique(labels_of(generated, name))) == {0, *sequence.object_ids}


def test_every_object_is_plain_to_see_in_the_first_frame(generated: Synthetic) -> None:
    for name in generated.sequence_names():
        first = labels_of(generated, name)[0]
        shares = [np.mean(first == i) for i in generated.sequence(name).object_ids]
        assert 2 <= len(shares) <= 4
        assert min(shares) > 0.005


def test_objects_move_hide_one_another_leave_and_come_back(generated: Synthetic) -> None:
    occluded, cut, returning = 0, 0, 0
    for name in generated.sequence_names():
        labels = labels_of(generated, name)
        assert np.mean([(before != after).mean() for before, after in pairwise(labels)]) > 0.002
        for object_id in generated.sequence(name).object_ids:
            mask = labels == object_id
            area = mask.sum((1, 2))
            edge = mask[:, [0, -1]].any((1, 2)) | mask[:, :, [0, -1]].any((1, 2))
            absent = area == 0
            occluded += bool(not edge.any() and area.min() < area[0] / 4)  # it shrank inside the view
            cut += bool(edge.any())
            returning += bool(absent.any() and not absent[absent.argmax() :].all())
    assert occluded >= 3
    assert cut >= 4
    assert returning >= 8


def test_the_file_beside_the_clips_tells_what_they_show(generated: Synthetic) -> None:
    meta = json.loads((generated.root / "meta.json").read_text())
    assert (meta["version"], meta["seed"], meta["split"]) == (synthetic.VERSION, 0, "val")
    for name, recipe in zip(generated.sequence_names(), Script.parse("val").recipes, strict=True):
        assert meta["videos"][name]["asked"] == asdict(recipe)
        strong = {key: value for key, value in asdict(recipe).items() if value > getattr(Recipe, key)}
        assert generated.attributes(name) == tuple(strong)
        shows = generated.shows(name)
        assert shows == meta["videos"][name]["shows"]
        labels = labels_of(generated, name)
        assert shows["length"] == len(labels)
        for object_id, one in shows["objects"].items():
            seen = (labels == int(object_id)).any((1, 2))
            assert (one["longest_hidden"], one["longest_outside"]) == (recipe.occlusion, recipe.outside)
            assert one["hidden_frames"] + one["outside_frames"] == (~seen).sum()
    (generated.root / "meta.json").rename(generated.root / "aside")
    with pytest.raises(VosbenchError, match=r"cannot read .*meta.json: No such file"):
        generated.shows("clip-00")
    (generated.root / "meta.json").write_text("{}")
    with pytest.raises(VosbenchError, match=r"meta.json does not tell what clip-00 shows"):
        generated.attributes("clip-00")
    (generated.root / "aside").rename(generated.root / "meta.json")
    with pytest.raises(VosbenchError, match="unknown sequence 'clip-9'"):
        generated.shows("clip-9")


def test_an_object_that_appears_later_is_given_where_it_appears(tmp_path: Path) -> None:
    dataset = Synthetic(tmp_path, "appear=3,objects=3,length=20,clips=1")
    assert dataset.problems() == []
    first = dataset.sequence("clip-00").first_masks
    assert [(mask.frame_index, mask.object_ids) for mask in first] == [(0, (1,)), (3, (2, 3))]
    assert first[1].load().any((1, 2)).tolist() == [True, True]
    shows = dataset.shows("clip-00")["objects"]
    assert [shows[i]["first_frame"] for i in "123"] == [0, 3, 3]


def test_a_scene_that_does_not_show_what_is_asked_for_is_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    scene = Stage.scene
    monkeypatch.setattr(Stage, "scene", lambda self: drawn.append(self.key) or scene(self))
    shown = synthetic._shows_all
    monkeypatch.setattr(synthetic, "_shows_all", lambda *given: len(drawn) > 1 and shown(*given))
    Synthetic(tmp_path / "data", "length=20,clips=1")
    assert drawn == [(0, 0, 0), (0, 0, 1)]
    monkeypatch.setattr(synthetic, "_shows_all", lambda *_: False)
    monkeypatch.setattr(synthetic, "ATTEMPTS", 2)
    with pytest.raises(VosbenchError, match="none of 2 scenes drawn for clip-00 of length=20,clips=1 shows") as caught:
        Synthetic(tmp_path / "other", "length=20,clips=1")
    assert "fewer objects" in caught.value.hint
    assert list((tmp_path / "other").iterdir()) == []


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    def peak(length: int) -> int:
        tracemalloc.start()
        generate(tmp_path / str(length), Script.parse(f"length={length},clips=1,objects=1"))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(20)  # photographs stay
    assert peak(90) < peak(30) + 100_000


def test_what_is_there_is_used_as_it_is(made_short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(Synthetic(made_short, SHORT).root)
    monkeypatch.setattr(synthetic, "generate", lambda *_: pytest.fail("generated again"))
    again = Synthetic(made_short, "clips=2,length=20")
    assert again.sequence_names() == ("clip-00", "clip-01")
    assert files(again.root) == before


def test_an_empty_folder_is_filled_and_another_one_refused(tmp_path: Path) -> None:
    (tmp_path / SHORT).mkdir()
    assert Synthetic(tmp_path, SHORT).sequence_names() == ("clip-00", "clip-01")
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "notes.txt").write_text("")
    with pytest.raises(VosbenchError, match="split val of synthetic has no list"):
        Synthetic(tmp_path)


def test_the_default_is_the_cache_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = open_dataset("synthetic", None, SHORT)
    assert dataset.root == Path(".vosbench/datasets/synthetic-v2") / SHORT
    assert dataset.root.is_dir()
    with pytest.raises(VosbenchError, match="unknown split 'test'"):
        open_dataset("synthetic", None, "test")


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("killed"), OSError(28, "No space left on device")])
def test_an_interrupted_generation_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    written = []

    def write(path: Path, labels: np.ndarray) -> None:  # noqa: ARG001
        written.append(path)
        if len(written) == 3:
            raise fault

    monkeypatch.setattr(synthetic, "write_labels", write)
    with pytest.raises(VosbenchError if isinstance(fault, OSError) else type(fault)) as caught:
        Synthetic(tmp_path, SHORT)
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []
    if isinstance(fault, OSError):
        assert caught.value.message == f"cannot write the generated data set to {tmp_path / SHORT}: {fault.strerror}"
        assert "--root" in caught.value.hint


def test_the_faster_of_two_processes_wins(tmp_path: Path) -> None:
    root = tmp_path / "data"
    generate(root, Script.parse("length=20,clips=1"))
    before = files(root)
    generate(root, Script.parse("length=20,clips=1,seed=1"))
    assert files(root) == before
    assert list(tmp_path.iterdir()) == [root]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VosbenchError, match="cannot write the generated data set to") as caught:
        Synthetic(tmp_path / "file" / "data", SHORT)
    assert "\n" not in caught.value.message
    assert "--root" in caught.value.hint
    (tmp_path / SHORT).write_text("")
    with pytest.raises(VosbenchError, match="is not a folder"):
        Synthetic(tmp_path, SHORT)
