"""Frames that are pushed one by one: what `propagate` gives, in a memory that does not grow."""

import gc
import shutil
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from arrays import true_masks

from vosbench.errors import VosbenchError
from vosbench.inference.propagate import propagate
from vosbench.inference.session import Session
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.models.checkpoint import WEIGHTS, load_model
from vosbench.models.stcn.network import STCN
from vosbench.video import ObjectMasks, Sequence

BLIND = {"offline": "frames still to come", "oracle-masks": "true masks", "reservoir": "the number of frames"}
BLIND |= {"random:frames=true": "the number of frames", "gated:base=offline": "frames still to come"}

PLANE = np.ones((40, 56), bool)


@pytest.fixture
def annotations(small_clip):
    """Object 2 in frame 0, object 1 in frame 6."""
    labels = small_clip[1]
    return {0: labels[0] * (labels[0] == 2), 6: labels[6]}


@pytest.mark.parametrize("spec", sorted({*POLICIES.names()} - BLIND.keys()))
def test_pushed_frames_give_what_the_whole_video_gives(small_model, small_clip, annotations, spec):
    """All but the last frame: of it the whole video knows that nothing is left to read it."""
    rgb, _ = small_clip
    whole = propagate(small_model, Sequence.from_arrays(rgb, annotations), load_policy(spec))
    session = Session(small_model, load_policy(spec))
    for t, expected in enumerate(whole):
        found = session.step(rgb[t], annotations.get(t))
        assert found.frame_index == expected.frame_index == t
        assert (found.mask == expected.mask).all()
        assert torch.equal(found.prob, expected.prob if t >= 6 else expected.prob[[0, 2]])
        if t < len(rgb) - 1:
            assert found.timing.tokens == expected.timing.tokens
            assert found.timing.memory_bytes == expected.timing.memory_bytes
    session.verify()


def test_every_form_of_masks_is_the_same(small_model, small_clip):
    rgb, labels = small_clip
    planes = {1: labels[0] == 1, 2: (labels[0] == 2).astype(np.uint8)}
    forms = (labels[0], planes, ObjectMasks(np.stack([labels[0] == 1, labels[0] == 2]), (1, 2)))
    found = []
    for form in forms:
        session = Session(small_model, load_policy("every-k"))
        session.step(rgb[0], form)
        found.append(session.step(rgb[1]).prob)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_objects_may_overlap(small_model, small_clip):
    rgb, labels = small_clip
    both = labels[0] > 0
    session = Session(small_model, load_policy("every-k"))
    first = session.step(rgb[0], {3: both, 7: labels[0] == 2})
    assert first.prob.shape[0] == 3
    assert first.prob[1:, labels[0] == 2] == pytest.approx(0.5, abs=1e-3)
    assert set(np.unique(first.mask[labels[0] == 1])) == {3}


def test_where_given_masks_overlap_the_highest_id_has_the_pixel_in_whatever_order(small_model, small_clip):
    rgb, labels = small_clip
    inner, outer = labels[0] == 2, labels[0] > 0
    for low, high in ((outer, inner), (inner, outer)):
        first, second = (Session(small_model, load_policy("every-k")) for _ in range(2))
        shown = first.step(rgb[0], {3: low, 7: high}).mask
        assert np.array_equal(shown, ObjectMasks(np.stack([low, high]), (3, 7)).as_labels())
        assert np.array_equal(shown, second.step(rgb[0], {7: high, 3: low}).mask)
        assert torch.equal(first.step(rgb[1]).prob, second.step(rgb[1]).prob)


def test_before_the_first_masks_and_after_none_are_left(small_model, small_clip):
    rgb, labels = small_clip
    session = Session(small_model, load_policy("every-k"))
    assert [session.step(frame).prob.shape for frame in rgb[:2]] == [(1, 40, 56)] * 2
    assert session.step(rgb[2], labels[2] * (labels[2] == 2)).prob.shape == (2, 40, 56)
    known = session.step(rgb[3], labels[3] * (labels[3] == 2))  # it is followed already
    assert (known.timing.objects, known.timing.tokens) == (1, 12)
    assert session.step(rgb[4], np.zeros_like(labels[4])).timing.objects == 1


@pytest.mark.parametrize(("spec", "what"), BLIND.items())
def test_a_strategy_that_needs_to_know_more_is_refused(small_model, spec, what):
    with pytest.raises(VosbenchError, match=rf"needs {what}, which nobody knows of frames that are pushed") as caught:
        Session(small_model, load_policy(spec))
    assert "\n" not in caught.value.message
    assert "vosbench.propagate" in caught.value.hint


@pytest.mark.parametrize(
    ("frame", "masks", "message"),
    [
        (np.zeros((40, 57, 3), np.uint8), None, "frame 1 of cam is 57x40, the frames before it 56x40"),
        (np.zeros((40, 56, 3)), None, r"a frame of cam is float64 \(40, 56, 3\)"),
        (np.zeros((40, 56), np.uint8), None, r"a frame of cam is uint8 \(40, 56\)"),
        (None, np.zeros((40, 57), np.uint8), "frame 1 of cam is 56x40, its masks 57x40"),
        (None, np.zeros((40, 56), np.int64), r"the masks of frame 1 of cam are int64 \(40, 56\)"),
        (None, np.ones((40, 56), bool), r"the masks of frame 1 of cam are bool \(40, 56\)"),
        (None, [[1]], "the masks of frame 1 of cam are of type list"),
        (None, {}, "the masks of frame 1 of cam are no objects"),
        (None, {0: PLANE}, "object 0 cannot be: that is no id"),
        (None, {255: PLANE}, "object 255 cannot be: that is no id"),
        (None, {True: PLANE}, "object True cannot be: that is no id"),
        (None, {"a": PLANE}, "object 'a' cannot be: that is no id"),
        (None, {3: PLANE.astype(float)}, r"frame 1 of cam: object 3 is float64 \(40, 56\)"),
        (None, {3: [[1]]}, "object 3 is of type list"),
        (None, {3: PLANE[0]}, r"object 3 is bool \(56,\)"),
        (None, {3: ~PLANE}, "object 3 has no pixel"),
        (None, {1: PLANE}, "object 1 is followed already"),
        (None, {3: PLANE, 4: np.ones((40, 57), bool)}, "frame 1 of cam are of several sizes: 56x40, 57x40"),
        (np.zeros((0, 5, 3), np.uint8), None, "a frame of cam is 5x0: it has no pixel"),
        (None, np.zeros((5, 0), np.uint8), "frame 1 of cam is 56x40, its masks 0x5"),
        (None, {3: PLANE[:, 1:]}, "frame 1 of cam is 56x40, its masks 55x40"),
    ],
)
def test_what_cannot_be_pushed(small_model, small_clip, frame, masks, message):
    rgb, labels = small_clip
    session = Session(small_model, load_policy("every-k"), name="cam")
    session.step(rgb[0], labels[0])
    with pytest.raises(VosbenchError, match=message) as caught:
        session.step(rgb[1] if frame is None else frame, masks)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert session.step(rgb[1], {np.int64(3): PLANE}).timing.objects == 3


def test_a_model_in_training_mode_and_no_top_k(small_model):
    with pytest.raises(VosbenchError, match="training mode"):
        Session(STCN(small_model.config), load_policy("every-k"))
    with pytest.raises(VosbenchError, match="top_k must be at least 1, not 0"):
        Session(small_model, load_policy("every-k"), top_k=0)
    with pytest.raises(VosbenchError, match="shorter_side must be at least 16 pixels or 0, not -1"):
        Session(small_model, load_policy("every-k"), shorter_side=-1)


@pytest.mark.parametrize(
    "spec", ["lfu:capacity=2", "rmem:capacity=3", "xmem:every=1,min_frames=2,max_frames=4,long_term=128"]
)
def test_memory_stays_constant(small_model, small_clip, spec):
    """Over 360 frames of 4 tokens, looked at three times; tests/benchmarks/bench_push.py pushes 20,000."""
    rgb, labels = small_clip
    session = Session(small_model, load_policy(spec))
    session.step(rgb[0, :32, :32], labels[0, :32, :32])
    sizes, python = [], []
    try:
        for t in range(1, 360):
            timing = session.step(rgb[t % len(rgb), :32, :32]).timing
            if t % 120 == 119:
                sizes.append((timing.memory_bytes, session._allocated, len(session._room.scratch._room)))
                python.append(tracemalloc.get_traced_memory()[0])
                tracemalloc.start()  # which makes frames slow: from the second look on
    finally:
        tracemalloc.stop()
    assert sizes[0] == sizes[1] == sizes[2]
    assert abs(python[2] - python[1]) < 8_000


@pytest.mark.parametrize("spec", ["lfu", "oracle-masks", "offline"])
def test_what_a_video_held_is_free_when_it_ends(small_model, small_clip, spec):
    """Without the garbage collector: nothing refers to itself."""
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb[:8], {0: labels[0]})
    gc.collect()
    gc.disable()
    try:
        policy = load_policy(spec)
        for _ in propagate(small_model, sequence, policy, truth=true_masks(labels[:8])):
            bank = weakref.ref(policy.bank)
        assert bank() is not None
        del policy
        assert bank() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("frame", "said"), [(None, "of type NoneType"), ([[0]], "of type list"), (np.zeros((4, 4)), r"float64 \(4, 4\)")]
)
def test_a_frame_that_is_no_picture(small_model, frame, said):
    session = Session(small_model, load_policy("lfu"))
    with pytest.raises(VosbenchError, match=rf"a frame of video is {said}"):
        session.step(frame)


def test_a_model_and_a_strategy_are_named_as_on_the_command_line(small_clip, tmp_path):
    """A path and a spec are names, too; all give the same, and what the video held is free when the session is."""
    rgb, labels = small_clip
    weights = shutil.copy(WEIGHTS / "stcn-tiny.safetensors", tmp_path / "mine.pth")
    names = [("stcn-tiny", "lfu:capacity=3"), (Path(weights), PolicySpec.parse("lfu:capacity=3"))]
    names.append((load_model("stcn-tiny"), "lfu:capacity=3"))
    gc.collect()
    gc.disable()
    try:
        found = []
        for model, policy in names:
            session = Session(model, policy)
            predictions = [session.step(rgb[t], labels[0] if t == 0 else None) for t in range(6)]
            found.append(predictions[-1].joint)
            assert predictions[-1].bank() is not None
            del session
            assert predictions[-1].bank() is None
        *_, last = propagate("stcn-tiny", Sequence.from_arrays(rgb[:6], {0: labels[0]}), "lfu:capacity=3")
        assert last.bank() is None
    finally:
        gc.enable()
    assert all(torch.equal(probabilities, found[0]) for probabilities in [*found, last.joint])


def test_what_names_no_model_and_no_strategy(small_model):
    for arguments, said in (
        ((small_model, "lfuu"), "unknown strategy 'lfuu'"),
        (("stcn-tini", "lfu"), "unknown model 'stcn-tini'"),
        ((small_model, 3), "policy must be of type MemoryPolicy or PolicySpec or str or Path, not 3"),
        ((3, "lfu"), "model must be of type Network or str or Path, not 3"),
    ):
        with pytest.raises(VosbenchError, match=said) as caught:
            Session(*arguments)
        assert caught.value.hint


def test_a_strategy_serves_one_session(small_model, small_clip, annotations):
    """Its memory would be that of the video it began last, without a word."""
    rgb, policy = small_clip[0], load_policy("lfu")
    one, other = Session(small_model, policy, name="one"), Session(small_model, policy, name="other")
    one.step(rgb[0], annotations[0])
    one.step(rgb[1])
    other.step(rgb[0], annotations[0])
    with pytest.raises(VosbenchError, match="of the session 'one' serves another session") as caught:
        one.step(rgb[2])
    assert "load_policy" in caught.value.hint
    other.step(rgb[1])
