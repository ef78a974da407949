"""The generated data set: the same from the same seed, sound, eventful, and on disk complete or not at all."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vosbench.datasets import open_dataset, synthetic
from vosbench.datasets.synthetic import Synthetic, generate
from vosbench.errors import VosbenchError
from vosbench.images import read_labels


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    """The whole data set, as `vosbench run` makes it."""
    return Synthetic(tmp_path_factory.mktemp("cache") / "new" / "synthetic")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clips of four frames."""
    monkeypatch.setattr(synthetic, "CLIPS", 2)
    monkeypatch.setattr(synthetic, "FRAMES", 4)


def labels_of(dataset: Synthetic, name: str) -> np.ndarray:
    """The label maps of a clip, uint8 [T,H,W]."""
    return np.stack([read_labels(path) for path in dataset.truth(name).masks.values()])


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("short")
def test_the_seed_determines_every_pixel(tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        generate(tmp_path / name, seed)
    one, two, other = (files(tmp_path / name) for name in ("one", "two", "other"))
    assert len(one) == 2 * 2 * 4 + 2
    assert one == two
    assert one.keys() == other.keys()
    pictures = [name for name in one if name.endswith((".jpg", ".png"))]
    assert all(one[name] != other[name] for name in pictures)
    datasets = [Synthetic(tmp_path / name) for name in ("one", "two", "other")]
    prints = [dataset.fingerprint("clip-00") for dataset in datasets]
    assert prints[0] == prints[1] != prints[2]


def test_the_layout_is_that_of_davis_and_sound(generated: Synthetic) -> None:
    assert generated.problems() == []
    assert generated.sequence_names() == tuple(f"clip-{number:02d}" for number in range(6))
    as_davis = open_dataset("davis2017", generated.root, "val")
    assert as_davis.problems() == []
    assert as_davis.sequence_names() == generated.sequence_names()
    for name in generated.sequence_names():
        sequence = generated.sequence(name)
        assert len(sequence.frames) == len(generated.truth(name).masks) == 48
        assert sequence.frames[0].load().shape == (192, 288, 3)
        assert sequence.object_ids == tuple(range(1, len(sequence.object_ids) + 1))
        assert set(np.unique(labels_of(generated, name))) == {0, *sequence.object_ids}


def test_every_object_is_plain_to_see_in_the_first_frame(generated: Synthetic) -> None:
    for name in generated.sequence_names():
        first = labels_of(generated, name)[0]
        shares = [np.mean(first == i) for i in generated.sequence(name).object_ids]
        assert 2 <= len(shares) <= 3
        assert min(shares) > 0.004


def test_a_scene_that_begins_with_a_hidden_object_is_drawn_again() -> None:
    for seed in (0, 1, 37, 39):  # the first draws of the last three are such
        scene = synthetic._draw(np.random.default_rng(seed))
        labels = scene.render(0)[1]
        assert min(np.mean(labels == i + 1) for i in range(scene.spec.objects)) > 0.004


def test_objects_move_hide_one_another_leave_and_come_back(generated: Synthetic) -> None:
    occluded, cut, returning = 0, 0, 0
    for name in generated.sequence_names():
        labels = labels_of(generated, name)
        assert all((before != after).mean() > 0.0005 for before, after in pairwise(labels))
        for object_id in generated.sequence(name).object_ids:
            mask = labels == object_id
            area = mask.sum((1, 2))
            edge = mask[:, [0, -1]].any((1, 2)) | mask[:, :, [0, -1]].any((1, 2))
            absent = area == 0
            occluded += bool(not edge.any() and area.min() < area[0] / 4)  # it shrank inside the view
            cut += bool(edge.any())
            returning += bool(absent.any() and not absent[absent.argmax() :].all())
    assert occluded >= 1
    assert cut >= 4
    assert returning >= 1


@pytest.mark.usefixtures("short")
def test_what_is_there_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    Synthetic(root)
    before = files(root)
    monkeypatch.setattr(synthetic, "generate", lambda *_: pytest.fail("generated again"))
    assert Synthetic(root).sequence_names() == ("clip-00", "clip-01")
    assert files(root) == before


@pytest.mark.usefixtures("short")
def test_an_empty_folder_is_filled_and_another_one_refused(tmp_path: Path) -> None:
    assert Synthetic(tmp_path).sequence_names() == ("clip-00", "clip-01")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    with pytest.raises(VosbenchError, match="split val of synthetic has no list"):
        Synthetic(tmp_path / "other")


@pytest.mark.usefixtures("short")
def test_the_default_is_the_cache_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = open_dataset("synthetic", None)
    assert dataset.root == Path(".vosbench/datasets/synthetic-v1-seed0")
    assert dataset.root.is_dir()
    with pytest.raises(VosbenchError, match="unknown split 'test'"):
        open_dataset("synthetic", None, "test")


@pytest.mark.usefixtures("short")
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
        Synthetic(tmp_path / "data")
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []
    if isinstance(fault, OSError):
        assert caught.value.message == f"cannot write the generated data set to {tmp_path / 'data'}: {fault.strerror}"
        assert "--root" in caught.value.hint


@pytest.mark.usefixtures("short")
def test_the_faster_of_two_processes_wins(tmp_path: Path) -> None:
    root = tmp_path / "data"
    generate(root, 0)
    before = files(root)
    generate(root, 1)
    assert files(root) == before
    assert list(tmp_path.iterdir()) == [root]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VosbenchError, match="cannot write the generated data set to") as caught:
        Synthetic(tmp_path / "file" / "data")
    assert "\n" not in caught.value.message
    assert "--root" in caught.value.hint
    with pytest.raises(VosbenchError, match="is not a folder"):
        Synthetic(tmp_path / "file")
