"""What can be wrong with masks that are to be scored: one line that names the fault, a hint, and exit status 2."""

import shutil

import pytest
from spoiling import anti_alias, recolour, relabel, truncate


@pytest.fixture
def predictions(small_davis, tmp_path):
    """Masks that equal the ground truth."""
    return shutil.copytree(small_davis / "Annotations/480p", tmp_path / "predictions")


PREDICTION_FAULTS = {
    "a sequence lacks": (
        lambda folder: shutil.rmtree(folder / "bee"),
        ["predictions lack the sequence bee", "predictions/bee is no folder", "<sequence>/<frame>.png"],
    ),
    "a frame lacks": (
        lambda folder: (folder / "bee/00003.png").unlink(),
        ["predictions/bee/00003.png does not exist"],
    ),
    "an id above the truth's": (
        lambda folder: relabel(folder / "bee/00003.png", lambda labels: 3 * labels),
        ["bee/00003.png holds the id 3, but the highest allowed is 1", "first annotation"],
    ),
    "another size": (
        lambda folder: relabel(folder / "bee/00003.png", lambda labels: labels[:, 1:]),
        ["bee/00003.png is 63x48 pixels, its ground truth 64x48", "nearest neighbour"],
    ),
    "0/255": (
        lambda folder: relabel(folder / "bee/00003.png", lambda labels: 255 * labels),
        ["bee/00003.png holds the id 255", "davis2016"],
    ),
    "colour": (lambda folder: recolour(folder / "bee/00003.png"), ["bee/00003.png is a RGB image", "object ids"]),
    "truncated": (lambda folder: truncate(folder / "bee/00003.png"), ["bee/00003.png is not a readable PNG", "again"]),
    "anti-aliased": (lambda folder: anti_alias(folder / "bee/00003.png"), ["bee/00003.png holds the id", "nearest"]),
}


@pytest.mark.parametrize("fault", PREDICTION_FAULTS)
def test_faults_of_predictions(small_davis, predictions, monkeypatch, refused, fault):
    monkeypatch.chdir(small_davis.parent)
    spoil, expected = PREDICTION_FAULTS[fault]
    spoil(predictions)
    trusted = ["--trust-masks"] if fault == "anti-aliased" else []  # no word of it before the error
    said = refused("score", predictions, "--dataset", "davis2017", "--root", small_davis, "--jobs", 1, *trusted)
    for words in expected:
        assert words in said


@pytest.mark.parametrize("protocol", ["davis2017", "vos-benchmark"])
def test_private_ground_truth_has_no_score(small_davis, predictions, monkeypatch, refused, protocol):
    monkeypatch.chdir(small_davis.parent)
    (small_davis / "ImageSets/2017/val.txt").rename(small_davis / "ImageSets/2017/test-challenge.txt")
    for split in ("test-dev", "test-challenge"):  # even where all masks are on disk
        where = ("--dataset", "davis2017", "--root", small_davis, "--split", split)
        said = refused("score", predictions, *where, "--protocol", protocol, "--csv", "csv", "--json", "score.json")
        assert f"ground truth of davis2017 {split} is private" in said
        assert "submit" in said
    assert {path.name for path in small_davis.parent.iterdir()} == {"DAVIS", predictions.name}


def test_the_private_split_of_youtube_vos_has_no_score(small_youtube, monkeypatch, refused):
    monkeypatch.chdir(small_youtube.parent)
    where = ("--dataset", "youtube-vos-2019", "--root", small_youtube)
    (small_youtube / "masks/a1").mkdir(parents=True)
    assert "ground truth of youtube-vos-2019 valid is private" in refused("score", small_youtube / "masks", *where)
