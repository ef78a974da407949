"""What all data sets share: opening, subsets, fingerprints."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vosbench.datasets import DATASETS, open_dataset
from vosbench.errors import VosbenchError


def test_unknown_data_set_names_the_near_one(davis: Path) -> None:
    with pytest.raises(VosbenchError, match="unknown data set 'davis-2017'") as caught:
        open_dataset("davis-2017", davis)
    assert "davis2017" in caught.value.hint


@pytest.mark.parametrize("name", ["davis2016", "davis2017", "youtube-vos-2018", "youtube-vos-2019", "folder"])
def test_a_root_is_needed(name: str, tmp_path: Path) -> None:
    assert name in DATASETS.names()
    with pytest.raises(VosbenchError, match="needs a root folder"):
        open_dataset(name, None)
    with pytest.raises(VosbenchError, match=r"nowhere is not a folder") as caught:
        open_dataset(name, tmp_path / "nowhere")
    assert caught.value.hint


def test_unknown_frame_mode(davis: Path) -> None:
    with pytest.raises(VosbenchError, match="unknown frame mode '480'") as caught:
        open_dataset("davis2017", davis, frame_mode="480")
    assert caught.value.hint == "did you mean 480p?"


def test_subsets_keep_the_order_of_the_split(davis: Path) -> None:
    whole = open_dataset("davis2017", davis)
    assert whole.only(["bike", "dog", "bike"]).sequence_names() == ("dog", "bike")
    assert whole.only(limit=1).sequence_names() == ("dog",)
    assert whole.only(["bike"], limit=3).sequence_names() == ("bike",)
    assert whole.only().sequence_names() == whole.sequence_names() == ("dog", "bike")
    with pytest.raises(VosbenchError, match="unknown sequence 'dog'"):
        whole.only(["bike"]).sequence("dog")


def test_subsets_that_make_no_sense(davis: Path) -> None:
    whole = open_dataset("davis2017", davis)
    with pytest.raises(VosbenchError, match="unknown sequence 'bikes'") as caught:
        whole.only(["dog", "bikes"])
    assert caught.value.hint == "did you mean bike?"
    with pytest.raises(VosbenchError, match="limit of 0"):
        whole.only(limit=0)
    with pytest.raises(VosbenchError, match="empty list"):
        whole.only([])


@pytest.mark.parametrize("ask", ["sequence", "truth", "fingerprint", "sequence_problems"])
def test_unknown_sequence(davis: Path, ask: str) -> None:
    with pytest.raises(VosbenchError, match="unknown sequence 'cat'"):
        getattr(open_dataset("davis2017", davis), ask)("cat")


def test_fingerprint_is_of_the_content(davis: Path, tmp_path: Path) -> None:
    def fingerprint(root: Path, name: str = "davis2017") -> str:
        return open_dataset(name, root).fingerprint("dog")

    before = fingerprint(davis)
    assert len(before) == 24
    assert fingerprint(davis, "davis2016") != before  # the same files, read as one object
    moved = shutil.copytree(davis, tmp_path / "moved")
    assert fingerprint(moved) == before

    frame, mask = moved / "JPEGImages/480p/dog/00002.jpg", moved / "Annotations/480p/dog/00002.png"
    seen = {before}
    for change in (
        lambda: frame.write_bytes(frame.read_bytes() + b"\0"),
        lambda: shutil.copy(mask.with_name("00001.png"), mask) and mask.write_bytes(mask.read_bytes() + b"\0"),
        lambda: frame.rename(frame.with_name("00009.jpg")),
        mask.unlink,
    ):
        change()
        seen.add(fingerprint(moved))
    assert len(seen) == 5


def test_fingerprint_of_an_absent_sequence(davis: Path) -> None:
    for kind in ("JPEGImages", "Annotations"):
        shutil.rmtree(davis / kind / "480p/dog")
    with pytest.raises(VosbenchError, match="sequence dog of davis2017 val is absent"):
        open_dataset("davis2017", davis).fingerprint("dog")


def test_data_sets_travel_to_other_processes(davis: Path) -> None:
    dataset = open_dataset("davis2017", davis)
    assert pickle.loads(pickle.dumps(dataset)).sequence("dog") == dataset.sequence("dog")


def test_importing_data_sets_does_not_import_torch() -> None:
    code = "import sys, vosbench.datasets; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(Path(__file__).parents[2])})
