"""What is said of a sequence beforehand is what scoring it says."""

import warnings

import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.metrics.evaluate import score_sequence
from vosbench.metrics.fitness import advice, is_excused, misfit, nowhere
from vosbench.metrics.protocols import PROTOCOLS, SHIPPED
from vosbench.video import GroundTruth, MasksInMemory

IDS = {"v": 255, "-": 0}
TRUTHS = ("12 12 12 12", "12v 12v 12v 12v", "12 12v 12v 12v", "12 12 12 12v", "12 - - 12v", "12 v v v", "13 13 13 13")
OTHERS = ("12", "12 12", "1 2", "1 2 3 v", "1 - 12 -", "1 12 12 12", "0 12 12 12", "0 0 0 0", "1 0 0 0", "v v v v")


def clip(text: str) -> GroundTruth:
    """`12 - 1v`: in the first of three frames objects 1 and 2 side by side, in the last 1 and void; 0 is nothing."""
    masks = {}
    frames = text.split()
    for number, shown in enumerate(frames):
        labels = np.zeros((24, 32), np.uint8)
        for place, character in enumerate(shown):
            labels[4:18, 2 + 9 * place : 10 + 9 * place] = IDS.get(character, character)
        if shown != "-":
            masks[f"{number:05d}"] = MasksInMemory.of(labels)
    return GroundTruth("ant", tuple(f"{number:05d}" for number in range(len(frames))), masks)


def is_scored(truth: GroundTruth, protocol: str, predicted: set[int]) -> bool:
    """Whether masks of the ids predicted, one beside the other in each frame, are scored."""
    labels = np.zeros((24, 32), np.uint8)
    labels[10:14, : len(predicted)] = sorted(predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            masks = dict.fromkeys(truth.frame_names, MasksInMemory.of(labels))
            return bool(score_sequence(truth, masks, PROTOCOLS.find(protocol)))
        except VosbenchError:
            return False


@pytest.mark.parametrize("text", [*TRUTHS, *OTHERS])
def test_the_verdict_is_that_of_scoring(text: str) -> None:
    truth = clip(text)
    first = next(iter(truth.masks.values())).load().present()
    predicted = {*first} - {255} or {1}
    advised = advice(truth, predicted).partition(": ")[2].split(", ")
    for name in SHIPPED:
        fits = misfit(truth, PROTOCOLS.find(name), predicted) is None
        assert fits == is_scored(truth, name, predicted), name
        sound = fits and nowhere(truth, PROTOCOLS.find(name)) is None
        assert (name in advised) == (sound and PROTOCOLS.find(name).objects.keeps_ids)


@pytest.mark.parametrize("text", TRUTHS[1:4])
def test_void_is_no_object_that_is_not_to_be_predicted(text: str) -> None:
    for name in ("davis2017", "davis2017-official", "visor", "longvideo", "youtube-vos", "folder"):
        assert misfit(clip(text), PROTOCOLS.find(name), (1, 2)) is None
    assert "davis2017, davis2017-official, " in advice(clip(text))


def test_a_protocol_that_counts_objects_which_are_nowhere_is_not_advised() -> None:
    assert "davis2017" not in advice(clip("13 13 13 13"))
    assert ", visor, " in advice(clip("12 12 12 12"))
    assert ", visor" not in advice(clip("13 13 13 13"))
    assert "vos-benchmark" in advice(clip("13 13 13 13"))


@pytest.mark.parametrize(
    ("text", "excused"),
    [("12", True), ("1 - 2 -", True), ("- 1 2 3", True), ("12 12", False), ("1 0 0", False), ("1 2 23", False)],
)
def test_first_masks_only_are_nobodys_fault(text: str, excused: bool) -> None:
    assert is_excused(clip(text), PROTOCOLS.find("folder"), "folder") is excused
    assert not is_excused(clip(text), PROTOCOLS.find("vost"), "folder")
