"""The temporal stability of scored masks."""

import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.images import read_labels, write_labels
from vosbench.masks.score import score, temporal_stability
from vosbench.metrics.stability import descriptors, instability


@pytest.mark.usefixtures("spread_out")
def test_temporal_stability_of_every_object(pair):
    truth, masks = pair
    scores = score(masks, truth, jobs=1)
    seen = []
    one = temporal_stability(scores, masks, truth, 1, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [(o.sequence, o.object_id, o.pairs) for o in one] == [("ant", 1, 2), ("ant", 2, 2), ("bee", 1, 2)]
    assert [o.t for o in one] == pytest.approx([0, 0, 0], abs=1e-12)  # they move and keep their shape
    labels = read_labels(masks / "bee" / "00002.png")
    labels[:8, 3:9] = labels.max()
    write_labels(masks / "bee" / "00002.png", labels)
    shapes = [read_labels(masks / "bee" / f"0000{t}.png") > 0 for t in (1, 2, 3)]
    two = temporal_stability(scores, masks, truth, 2)
    assert two[:2] == one[:2]
    told = [descriptors(shape) for shape in shapes]
    assert two[2].t == pytest.approx(np.mean([instability(*told[:2]), instability(*told[1:])]))
    assert two[2].t > 0.01


def test_temporal_stability_under_davis2016_and_with_proposals(pair):
    truth, masks = pair
    scores = score(masks, truth, "davis2016", jobs=1)
    both = temporal_stability(scores, masks, truth, 1)
    assert [(o.sequence, o.object_id, o.pairs) for o in both] == [("ant", 1, 2), ("bee", 1, 2)]
    (masks / "bee" / "00003.png").unlink()
    with pytest.raises(VosbenchError, match=r"bee.00003\.png does not exist"):
        temporal_stability(scores, masks, truth, 1)
    with pytest.raises(VosbenchError, match="davis2017-unsupervised has no temporal stability"):
        temporal_stability(score(masks, truth.only(["ant"]), "davis2017-unsupervised", jobs=1), masks, truth, 1)
