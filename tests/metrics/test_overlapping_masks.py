"""Objects that overlap are scored as if each were alone, and in every form of the masks alike."""

import numpy as np
from arrays import pair_score
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.metrics.evaluate import score_sequence
from vosbench.metrics.frame import frame_scores, labelled_box
from vosbench.metrics.measure import JF
from vosbench.metrics.protocols import find_protocol
from vosbench.video import GroundTruth, MasksInMemory, ObjectMasks

IDS = (3, 7, 200)


@st.composite
def planes(draw, height, width):
    """A plane for each of `IDS`: random rectangles that overlap, touch borders, fill the picture, or are absent."""
    found = np.zeros((len(IDS), height, width), bool)
    for plane in found:
        for _ in range(draw(st.integers(0, 2))):
            top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
            bottom, right = draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width))
            plane[top:bottom, left:right] = True
    return ObjectMasks(found, IDS)


@settings(deadline=None, max_examples=80)
@given(st.data(), st.integers(1, 40), st.integers(1, 140), st.integers(1, 12), st.booleans())
def test_each_pair_is_scored_as_if_it_were_alone(data, height, width, radius, flat):
    prediction, truth = (data.draw(planes(height, width)) for _ in range(2))
    if flat:
        prediction = ObjectMasks(prediction.as_labels())
    pairs = [(p, t) for p in IDS for t in IDS]
    box = labelled_box(prediction, truth)
    for part in (np.s_[:, :], box) if box else ():
        found = frame_scores(prediction.crop(part), truth.crop(part), pairs, radius, JF)
        for pair in pairs:
            (predicted,), (true,) = prediction.planes(pair[:1]), truth.planes(pair[1:])
            if predicted.any() or true.any():
                expected = (*pair_score(predicted, true, radius), true.any())
                assert (found[pair].j, found[pair].f, found[pair].true > 0) == expected
            else:
                assert pair not in found


@settings(deadline=None, max_examples=30)
@given(st.data(), st.integers(1, 40), st.integers(1, 70))
def test_masks_that_do_not_overlap_score_alike_in_both_forms(data, height, width):
    maps = [[data.draw(planes(height, width)).as_labels() for _ in range(4)] for _ in range(2)]

    def scored(form):
        masks, truths = ({str(t): MasksInMemory(form(m)) for t, m in enumerate(kind)} for kind in maps)
        truth = GroundTruth("video", tuple(truths), truths)
        traces = score_sequence(truth, masks, find_protocol("vos-benchmark"))
        return [(t.object_id, t.frames, t.j.tolist(), t.f.tolist(), t.visible.tolist()) for t in traces]

    def as_planes(labels):
        return ObjectMasks(np.stack([labels == i for i in IDS]), IDS)

    assert scored(ObjectMasks) == scored(as_planes)


def test_void_of_a_label_map_hides_planes_of_the_prediction():
    """davis2017-unsupervised ignores what is 255 in the truth."""
    truth = np.array([[1, 1, 255, 255]] * 4, np.uint8)
    predicted = ObjectMasks(np.array([[[True, True, True, False]] * 4]), (5,))
    (trace,) = score_sequence(
        GroundTruth("video", ("0",), {"0": MasksInMemory.of(truth)}),
        {"0": MasksInMemory(predicted)},
        find_protocol("davis2017-unsupervised"),
    )
    assert trace.j.tolist() == [1]


def test_one_object_of_all():
    """davis2016 takes every mask for the same object."""
    truth = ObjectMasks(np.array([[[1, 0, 0]], [[0, 1, 0]]], bool), (1, 2))
    whole = np.array([[9, 9, 0]], np.uint8)
    masks = {str(t): MasksInMemory(truth) for t in range(3)}
    predicted = dict.fromkeys(masks, MasksInMemory.of(whole))
    (trace,) = score_sequence(GroundTruth("video", tuple(masks), masks), predicted, find_protocol("davis2016"))
    assert trace.j.tolist() == [1]
