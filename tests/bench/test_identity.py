"""What a result depends on changes its hash, what it does not depend on leaves it, and the machine is told."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from vosbench.base.hashing import digest
from vosbench.bench import identity
from vosbench.bench.identity import environment, facts, library_versions
from vosbench.video import MasksInMemory, MaskSource, ObjectMasks


def test_a_digest_depends_on_values_and_not_on_order() -> None:
    assert digest({"a": 1, "b": [2, None]}) == digest({"b": [2, None], "a": 1})
    different = [{"a": 1}, {"a": 1.5}, {"a": "1"}, {"a": None}, {"b": 1}, {"a": [1]}, {"a": 1, "b": 1}, {}]
    hashes = {digest(facts) for facts in different}
    assert len(hashes) == len(different)
    assert all(len(value) == 32 and int(value, 16) >= 0 for value in hashes)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's source that takes its place."""
    copy = tmp_path / "checkout" / "vosbench"
    shutil.copytree(identity.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    monkeypatch.setattr(identity, "PACKAGE", copy)
    return copy


@dataclass(frozen=True)
class Told:
    """Of everything something."""

    path: Path
    inner: object
    pixels: np.ndarray


def test_facts_are_all_fields_without_the_places_of_files() -> None:
    told = facts({"one": Told(Path("a/b.png"), (None, 1.5, True), np.zeros((2, 3), np.uint8))})
    assert told == facts({"one": Told(Path("c/b.png"), [None, 1.5, True], np.zeros((2, 3), np.uint8))})
    assert digest(told) == digest(json.loads(json.dumps(told)))
    others = [
        Told(Path("a/c.png"), (None, 1.5, True), np.zeros((2, 3), np.uint8)),
        Told(Path("a/b.png"), (None, 1.5), np.zeros((2, 3), np.uint8)),
        Told(Path("a/b.png"), (None, 1.5, True), np.zeros((3, 2), np.uint8)),
        Told(Path("a/b.png"), (None, 1.5, True), np.ones((2, 3), np.uint8)),
        Told(Path("a/b.png"), (None, 1.5, True), np.zeros((2, 3), np.int8)),
    ]
    assert len({digest(told), *(digest(facts({"one": other})) for other in others)}) == 6
    assert set(facts(others[0], without=frozenset({"inner"}))) == {"class", "path", "pixels"}
    with pytest.raises(TypeError, match="object cannot be part of"):
        facts([object()])


class Striped(MaskSource):
    """Masks of a layout that is no dataclass."""

    def __init__(self, width: int) -> None:
        self.width = width

    def __repr__(self) -> str:
        return f"Striped({self.width})"

    def load(self) -> ObjectMasks:
        raise NotImplementedError

    def files(self) -> tuple[Path, ...]:
        return ()


def test_facts_of_masks_are_how_they_are_read_and_of_a_class_its_source() -> None:
    labels = [MasksInMemory.of(np.full((2, 2), i, np.uint8)) for i in (1, 2)]
    told = [facts(value) for value in (Striped(3), Striped(4), *labels, Striped, Told, Path)]
    assert len({json.dumps(one) for one in told}) == len(told)
    assert told[0] == facts(Striped(3))
    assert facts(Striped).startswith("Striped ")
    assert len(facts(Striped).split()[1]) > 16  # this file is outside vosbench
    assert facts(MasksInMemory) == "MasksInMemory "


def test_the_libraries_that_compute_are_told() -> None:
    assert f"torch {torch.__version__}" in library_versions()
    assert {text.split()[0] for text in library_versions()} == {"torch", "numpy", "cv2", "simplejpeg"}


def test_the_environment_tells_machine_and_versions() -> None:
    found = environment(torch.device("cpu"))
    assert found.device == "cpu"
    assert found.threads == torch.get_num_threads()
    assert environment(torch.device("cpu"), 7).threads == 7
    assert found.torch == torch.__version__
    assert all((found.machine, found.platform, found.python, found.numpy))


def test_the_environment_tells_the_commit_and_whether_it_was_edited(package: Path) -> None:
    def git(*command: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *command],
            cwd=package.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    found = environment(torch.device("cpu"))
    assert found.commit is found.dirty is None  # no checkout
    git("init", "-q")
    git("add", "vosbench/errors.py")
    git("commit", "-q", "-m", "one")
    found = environment(torch.device("cpu"))
    assert (found.commit, found.dirty) == (git("rev-parse", "HEAD"), False)  # what git does not follow is no edit
    (package / "errors.py").write_text("")
    assert environment(torch.device("cpu")).dirty is True
