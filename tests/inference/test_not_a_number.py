"""What is no number becomes a failure that is told, never a mask of it and a score of 0."""

import pytest

from vosbench.bench.runner import run
from vosbench.errors import NotANumberError
from vosbench.inference.propagate import propagate
from vosbench.inference.session import Session
from vosbench.memory.spec import load_policy
from vosbench.models.checkpoint import Checkpoint
from vosbench.video import Sequence


@pytest.fixture
def diverging(small_model, monkeypatch):
    """diverging(method, call): the network, whose method gives one NaN at that call and none before."""

    def spoil(method, at, value=float("nan")):
        original, calls = getattr(small_model, method), []

        def spoilt(*arguments, **named):
            out = original(*arguments, **named)
            calls.append(1)
            if len(calls) == at:
                tensor = out.key if method == "tokens" else out[0]
                tensor[tuple(length // 2 for length in tensor.shape)] = value
            return out

        monkeypatch.setattr(small_model, method, spoilt)
        return small_model

    return spoil


@pytest.mark.parametrize(
    ("method", "value"),
    [("decode", "nan"), ("encode_value", "nan"), ("encode_value", "inf"), ("tokens", "nan"), ("tokens", "inf")],
)
def test_a_frame_that_is_no_number_is_named(diverging, small_clip, method, value):
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb[:8], {0: labels[0]}, "clip")
    predictions = propagate(diverging(method, 3, float(value)), sequence, load_policy("every-k:k=1"))
    done = []
    with pytest.raises(NotANumberError, match=r"the network predicts NaN in frame 0000[1234] of clip") as caught:
        done += [p.frame_index for p in predictions]
    assert caught.value.hint


def test_a_session_tells_too(diverging, small_clip):
    rgb, labels = small_clip
    session = Session(diverging("decode", 1), load_policy("every-k"))
    session.step(rgb[0], labels[0])
    with pytest.raises(NotANumberError, match="NaN in frame 1 of video"):
        session.step(rgb[1])


@pytest.mark.usefixtures("lent_pool")
def test_a_run_records_the_failure_and_goes_on(diverging, small_davis, small_suite, tmp_path, monkeypatch):
    model = diverging("decode", 3 + 2)  # after the frames of the warm-up
    monkeypatch.setattr(Checkpoint, "build", lambda *_: model)
    records = run(small_suite(small_davis, policies=("first-only",), controls=False), tmp_path / "run")
    failed, sound = (next(r for r in records if r.sequence == name) for name in ("ant", "bee"))
    assert failed.failure.reason == "the network predicts NaN in frame 00003 of ant"
    assert failed.failure.frames == 3
    assert failed.scores is None
    assert sound.failure is None
    assert sound.scores is not None


def test_predictions_without_nan_are_what_they_were(small_model, small_clip):
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb[:5], {0: labels[0]})
    for p in propagate(small_model, sequence, load_policy("every-k")):
        assert p.mask.shape == labels[0].shape
        assert p.mask.flags.writeable
        assert set(p.mask.ravel().tolist()) <= {0, 1, 2}
