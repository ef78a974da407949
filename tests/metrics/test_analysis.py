import json

import numpy as np
import pytest
from arrays import score_arrays

from vosbench.errors import VosbenchError
from vosbench.metrics.analysis import (
    after_reappearance,
    analyse,
    j_and_f,
    last_quarter,
    seen_unseen,
    train_categories,
)
from vosbench.metrics.evaluate import object_scores
from vosbench.metrics.protocols import find_protocol
from vosbench.metrics.statistics import ObjectTrace


def trace(j, visible=None, sequence="ant", object_id=1):
    values = np.array(j, float)
    shown = np.ones(len(j), int) if visible is None else np.array(visible, int)
    pixels = np.stack([shown, shown, shown], axis=1)
    return ObjectTrace(sequence, object_id, tuple(map(str, range(len(j)))), values, values / 2, pixels)


def test_frames_after_a_reappearance():
    found = trace([1, 1, 1, 0.5, 0.7, 1], visible=[1, 1, 0, 1, 1, 0])
    assert after_reappearance(found).tolist() == [False, False, False, True, True, False]
    assert j_and_f(found, after_reappearance(found)) == pytest.approx(0.45)
    never = trace([1, 1], visible=[0, 1])  # it appears late, but for the first time
    assert np.isnan(j_and_f(never, after_reappearance(never)))


def test_visibility_is_that_of_the_ground_truth():
    here, gone = np.ones((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    (found,) = score_arrays([here] * 5, [here, here, gone, here, here], "davis2017")
    assert found.visible.tolist() == [True, False, True]


def test_last_quarter():
    assert j_and_f(trace([0] * 6 + [1, 1]), last_quarter(trace([0] * 8))) == 0.75
    assert trace(range(5)).j[last_quarter(trace(range(5)))].tolist() == [3, 4]


def test_analysis_is_of_means_over_objects():
    first = trace([0.4, 0.6, 0.8, 1.0], visible=[1, 0, 1, 1])
    second = trace([0.8] * 3 + [0.4], object_id=2)
    found = analyse([first, second], (0.5, 0.75))
    assert found.after_reappearance == pytest.approx((0.8 + 1.0) / 2 * 0.75)  # the first alone is found again
    assert found.reappearing == 1
    assert found.last_quarter == pytest.approx((1.0 + 0.4) / 2 * 0.75)
    assert found.recall == {0.5: (0.75, 0), 0.75: (0.625, 0)}
    assert np.isnan(analyse([second]).after_reappearance)


def test_seen_and_unseen(tmp_path):
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps({"videos": {"v": {"objects": {"1": {"category": "ape", "frames": []}}}}}))
    rules = find_protocol("youtube-vos")
    scores = object_scores([trace([1.0]), trace([0.5], object_id=2), trace([0.0], sequence="bee")], rules)
    categories = {("ant", 1): "ape", ("ant", 2): "cat", ("bee", 1): "ape"}
    found = seen_unseen(scores, categories, train_categories(meta))
    assert found == {"j_seen": 0.5, "f_seen": 0.25, "j_unseen": 0.5, "f_unseen": 0.25, "overall": 0.375}
    assert np.isnan(seen_unseen(scores, categories, {"ape", "cat"})["overall"])
    with pytest.raises(VosbenchError, match="object 2 of ant has no category"):
        seen_unseen(scores, {("ant", 1): "ape"}, {"ape"})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"videos": {"v": {"objects": {"1": {}}}}}'])
def test_bad_meta(tmp_path, text):
    (tmp_path / "meta.json").write_text(text)
    with pytest.raises(VosbenchError, match=r"meta\.json is not the meta\.json of"):
        train_categories(tmp_path / "meta.json")
