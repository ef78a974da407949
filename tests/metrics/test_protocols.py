"""Every row of the table of edge rules, for every protocol, on masks of a few pixels."""

import numpy as np
import pytest
from arrays import score_arrays

from vosbench.datasets.label_pngs import LabelPng, label_pngs
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.metrics.evaluate import object_scores, score_sequence
from vosbench.metrics.protocols import PROTOCOLS, find_protocol
from vosbench.video import GroundTruth, MasksInMemory

DAVIS_2017 = ["davis2017", "davis2017-official", "longvideo"]
VOST, VISOR = ["vost", "vost-official"], ["visor", "visor-official"]
FIRST_FRAME = [*DAVIS_2017, *VOST, *VISOR]
SEEN = ["vos-benchmark", "sav"]
ONWARD = ["youtube-vos", "folder"]


def labels(frame):
    """A map of 4x3 pixels to a character: an id, or v for 255. Each id then has the same area."""
    return np.array([[255 if c == "v" else int(c) for c in frame]] * 4, np.uint8).repeat(3, axis=1)


@pytest.fixture
def j_of(tmp_path):
    """{id: [(frame, J), ...]} of a video under a protocol; "10 12" is two frames, "-" one without a file."""

    def score(protocol, *, truth, prediction):
        for kind, frames in (("truth", truth), ("masks", prediction)):
            (tmp_path / kind / "ant").mkdir(parents=True, exist_ok=True)
            for number, frame in enumerate(frames.split()):
                path = tmp_path / kind / "ant" / f"{5 * number:05d}.png"
                path.unlink(missing_ok=True)
                if frame != "-":
                    write_labels(path, labels(frame))
        masks = label_pngs(tmp_path / "truth" / "ant")
        names = tuple(f"{5 * number:05d}" for number in range(len(truth.split())))
        predicted = {name: LabelPng(tmp_path / "masks" / "ant" / f"{name}.png") for name in names}
        traces = score_sequence(GroundTruth("ant", names, masks), predicted, find_protocol(protocol))
        return {t.object_id: [(int(f) // 5, j) for f, j in zip(t.frames, t.j, strict=True)] for t in traces}

    return score


def from_to(first, last, j=1.0):
    return [(frame, j) for frame in range(first, last + 1)]


@pytest.mark.parametrize(
    ("protocol", "scored"),
    [
        *((name, from_to(1, 4)) for name in [*DAVIS_2017, *VOST, "davis2016", *SEEN, "lvos"]),
        ("mosev2", from_to(1, 4)),
        *((name, [*from_to(1, 4), (5, 0)]) for name in [*VISOR, "vots"]),
        ("davis2017-unsupervised", [(0, 0), *from_to(1, 4), (5, 0)]),
        *((name, [*from_to(1, 4), (5, 0)]) for name in ONWARD),
    ],
)
def test_first_and_last_frame(j_of, protocol, scored):
    found = j_of(protocol, truth="10 10 10 10 10 10", prediction="00 10 10 10 10 00")
    assert found == {1: scored}


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_sparse_ground_truth(j_of, protocol):
    video = {"truth": "10 - 10 - 10 10", "prediction": "10 10 10 00 10 10"}
    if protocol.startswith(("davis", "mosev2")):
        with pytest.raises(VosbenchError, match="sequence ant has no ground truth for frame 00005"):
            j_of(protocol, **video)
    else:
        last = [(5, 1)] if protocol in {*ONWARD, *VISOR, "vots"} else []
        assert j_of(protocol, **video) == {1: [(2, 1), (4, 1), *last]}


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_empty_in_both_counts_as_one(j_of, protocol):
    found = j_of(protocol, truth="10 10 00 00 10 10", prediction="10 10 00 00 10 10")
    assert found[1][1:3] in (from_to(2, 3), from_to(1, 2))
    assert all(j == 1 for _, j in found[1])


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_one_empty_counts_as_zero(j_of, protocol):
    found = j_of(protocol, truth="10 10 00 10 10", prediction="10 10 10 00 10")
    assert dict(found[1])[2] == dict(found[1])[3] == (1 / 13 if protocol == "mosev2" else 0)  # of twelve pixels


@pytest.mark.parametrize(
    ("protocol", "scored"),
    [
        *((name, {1: from_to(1, 3)}) for name in [*DAVIS_2017, *VOST]),
        *((name, {1: from_to(1, 4)}) for name in VISOR),
        ("mosev2", {1: from_to(1, 3), 2: [(1, 1), *from_to(2, 3, 1 / 13)]}),
        ("vots", {1: from_to(1, 4), 2: [(1, 1), *from_to(2, 4, 0)]}),
        ("davis2016", {1: [(1, 1), (2, 0.5), (3, 0.5)]}),
        ("davis2017-unsupervised", {1: from_to(0, 4)}),
        *((name, {1: from_to(1, 4), 2: from_to(3, 4, 0)}) for name in ONWARD),
        *((name, {1: from_to(1, 3), 2: from_to(2, 3, 0)}) for name in SEEN),
        ("lvos", {1: from_to(1, 3), 2: [(3, 0)]}),
    ],
)
def test_object_that_appears_later(j_of, protocol, scored):
    assert j_of(protocol, truth="10 10 12 12 12", prediction="10 10 10 10 10") == scored


@pytest.mark.parametrize(
    ("protocol", "scored"),
    [
        *((name, {1: from_to(1, 3), 2: from_to(1, 3)}) for name in [*DAVIS_2017, *VOST, "mosev2"]),
        *((name, {1: from_to(1, 4), 2: from_to(1, 4)}) for name in [*VISOR, "vots"]),
        ("davis2017-unsupervised", {1: from_to(0, 4), 2: from_to(0, 4)}),
        *((name, {1: from_to(3, 4), 2: from_to(1, 4)}) for name in ONWARD),
        *((name, {1: from_to(2, 3), 2: from_to(1, 3)}) for name in SEEN),
        ("lvos", {1: [(3, 1)], 2: from_to(1, 3)}),
    ],
)
def test_lower_id_that_appears_later(j_of, protocol, scored):
    video = "20 20 21 21 21"
    assert j_of(protocol, truth=video, prediction=video) == scored


@pytest.mark.parametrize("protocol", SEEN)
def test_object_counts_from_its_first_sight_in_the_prediction(j_of, protocol):
    found = j_of(protocol, truth="10 10 10 12 12", prediction="12 10 12 12 12")
    assert found == {1: from_to(1, 3), 2: [(2, 0), (3, 1)]}


@pytest.mark.parametrize(
    ("protocol", "scored"),
    [
        *((name, from_to(1, 2)) for name in [*DAVIS_2017, *VOST, "lvos", "mosev2"]),
        *((name, [(1, 1), (2, 1), (3, 0)]) for name in [*VISOR, "vots"]),
        ("sav", None),
        ("davis2017-unsupervised", [(0, 1), (1, 1), (2, 1), (3, 0)]),
        *((name, [(1, 1), (2, 1), (3, 0)]) for name in ONWARD),
        ("vos-benchmark", None),
    ],
)
def test_object_whose_ground_truth_is_empty_in_every_scored_frame(j_of, protocol, scored):
    found = j_of(protocol, truth="12 10 10 12", prediction="12 10 10 10")
    assert found.get(2) == scored


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_extra_predicted_id(j_of, protocol):
    video = {"truth": "10 10 10 10", "prediction": "10 10 13 10"}
    if protocol in {*DAVIS_2017, *VISOR, *ONWARD}:
        with pytest.raises(VosbenchError, match="holds the id 3, "):
            j_of(protocol, **video)
    elif protocol in VOST:
        with pytest.warns(UserWarning, match="hold the id 3, but the highest of the first true mask is 1"):
            assert j_of(protocol, **video) == {1: from_to(1, 2)}
    else:
        assert dict(j_of(protocol, **video)[1])[2] == (0.5 if protocol == "davis2016" else 1)


def test_a_folder_has_the_ids_that_are_there_and_no_other(j_of):
    found = j_of("folder", truth="37 37 37 30 37", prediction="37 30 37 30 07")
    assert found == {3: [(1, 1), (2, 1), (3, 1), (4, 0)], 7: [(1, 0), (2, 1), (3, 1), (4, 1)]}


@pytest.mark.parametrize(
    ("truth", "scored"),
    [
        ("10 20", {}),  # each mask gives an object
        ("10 - 20 -", {}),
        ("10 12", {1: [(1, 1)]}),  # object 2 is given in the last frame
        ("10 02 00", {1: [(1, 0), (2, 1)], 2: [(2, 1)]}),  # a frame without objects says that they are gone
        ("00 10 10", {1: [(2, 1)]}),
        ("00 00 10", {}),
    ],
)
def test_masks_that_were_given_are_no_ground_truth(j_of, truth, scored):
    assert j_of("folder", truth=truth, prediction=truth.replace("-", "00").replace("10 02", "10 12")) == scored


def test_more_proposals_than_allowed():
    with pytest.raises(VosbenchError, match="holds the id 21, but the highest allowed is 20"):
        score_arrays([labels("10") * 21], [labels("10")], "davis2017-unsupervised")


@pytest.mark.parametrize(
    ("protocol", "scored"),
    [
        *((name, {1: 0.5}) for name in [*FIRST_FRAME, "youtube-vos", "lvos"]),
        ("mosev2", {1: 13 / 25}),
        ("vots", {1: 0.5, 255: 0}),
        ("davis2016", {1: 1}),
        ("davis2017-unsupervised", {1: 1}),
        *((name, {1: 0.5, 255: 0}) for name in SEEN),
        ("folder", {1: 1}),
    ],
)
def test_255_in_the_ground_truth(j_of, protocol, scored):
    found = j_of(protocol, truth="1v 1v 1v", prediction="11 11 11")
    assert {object_id: dict(series)[1] for object_id, series in found.items()} == scored


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_255_in_the_prediction(j_of, protocol):
    video = {"truth": "10 10 10 10", "prediction": "10 10 v0 10"}
    if protocol in VOST:
        with pytest.warns(UserWarning, match="hold the id 255, but"):
            assert j_of(protocol, **video) == {1: [(1, 1), (2, 0)]}
    elif protocol in {*DAVIS_2017, *VISOR, "davis2017-unsupervised", *ONWARD}:
        with pytest.raises(VosbenchError, match="holds the id 255, ") as caught:
            j_of(protocol, **video)
        assert "0/255" in caught.value.hint or "first annotation" in caught.value.hint
    else:
        assert dict(j_of(protocol, **video)[1])[2] == {"davis2016": 1, "mosev2": 1 / 13}.get(protocol, 0)


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_missing_frame(j_of, protocol):
    with pytest.raises(VosbenchError, match=r"masks.ant.00010\.png does not exist"):
        j_of(protocol, truth="10 10 10 10", prediction="10 10 - 10")


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_nothing_to_score(j_of, protocol):
    short = {"davis2017-unsupervised": "00", "youtube-vos": "10", "lvos": "10", "folder": "10"}.get(protocol, "10 10")
    short = "10" if protocol in {*VISOR, "vots"} else short
    with pytest.raises(VosbenchError, match=r"no frame to score|no object in its first"):
        j_of(protocol, truth=short, prediction=short)


def test_proposals_are_matched_over_the_whole_sequence(j_of):
    found = j_of("davis2017-unsupervised", truth="102 102 102", prediction="702 207 207")
    assert found == {1: [(0, 0), (1, 1), (2, 1)], 2: [(0, 0), (1, 1), (2, 1)]}


def test_recall_and_decay_follow_the_protocol():
    here, gone = labels("10"), labels("00")
    rules = find_protocol("davis2017")
    (score,) = object_scores(score_arrays([here, here, gone, here], [here] * 4, rules), rules)
    assert (score.j.mean, score.j.recall, score.j.decay, score.frames) == (0.5, 0.5, 1, 2)


def test_lvos_counts_by_the_numbers_of_frames():
    """Every fifth is scored, so that names must be numbers."""
    names = ("a", "b", "c")
    masks = dict.fromkeys(names, MasksInMemory.of(labels("10")))
    with pytest.raises(VosbenchError, match="frame names a to b are not all numbers") as caught:
        score_sequence(GroundTruth("ant", names, masks), masks, find_protocol("lvos"))
    assert caught.value.hint


def test_a_file_may_not_take_the_name_of_a_published_protocol(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import replace\nfrom vosbench.metrics.published.sav import SAV\n"
        "MINE = replace(SAV, name='vos-benchmark')\n"
    )
    with pytest.raises(VosbenchError, match="has the name of a published protocol, vos-benchmark"):
        find_protocol(str(path))
