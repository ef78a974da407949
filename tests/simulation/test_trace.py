"""Recording, and the traces kept on disk."""

import numpy as np
import pytest
import torch

from vosbench.errors import VosbenchError
from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.simulation import cache
from vosbench.simulation.cache import keep, load
from vosbench.simulation.trace import Trace, record
from vosbench.video import FrameRef, Sequence


@pytest.fixture
def sequence(small_clip):
    rgb, labels = small_clip
    return Sequence.from_arrays(rgb[:8], {2: labels[2] * (labels[2] == 1), 5: labels[5]}, "clip")


def test_keys_are_those_of_a_run(small_model, sequence):
    trace = record(small_model, sequence)
    policy = load_policy("every-k:k=1")
    for _ in propagate(small_model, sequence, policy):
        pass
    assert policy.bank.frame.unique().tolist() == [2, 3, 4, 5, 6]
    assert torch.equal(trace.tokens.key[policy.bank.frame, policy.bank.position], policy.bank.key)
    assert trace.appearing == ((2, 1), (5, 1))
    assert trace.first == 2
    assert not trace.tokens.key[:2].any()
    assert trace.tokens.key[7].any()


def test_size_and_progress(small_model, sequence):
    seen = []
    trace = record(small_model, sequence, 32, lambda *now: seen.append(now))
    assert trace.geometry.inference == (32, 44)
    assert trace.geometry.tokens == trace.tokens.key.shape[1] == 2 * 3
    assert seen == [(frame, 8) for frame in range(1, 9)]


def test_faults_of_a_recording(small_model, sequence):
    frames = (*sequence.frames[:4], FrameRef("odd", np.zeros((48, 56, 3), np.uint8)), *sequence.frames[5:])
    odd = Sequence(sequence.name, frames, sequence.first_masks)
    with pytest.raises(VosbenchError, match="frame odd of clip is 56x48, the frames before it 56x40"):
        record(small_model, odd)
    small_model.train()
    try:
        with pytest.raises(VosbenchError, match="training mode"):
            record(small_model, sequence)
    finally:
        small_model.eval()


def test_a_trace_holds_single_precision(small_model, sequence):
    trace = record(small_model, sequence)
    with pytest.raises(VosbenchError, match=r"the keys of clip are torch.float16"):
        Trace(trace.name, trace.tokens.map(torch.Tensor.half), trace.queries, trace.appearing, trace.geometry)


def test_a_trace_is_recorded_once(small_model, sequence, tmp_path, monkeypatch):
    fresh = record(small_model, sequence)
    path = keep(tmp_path, small_model, "weights", sequence, "files")
    kept = load(path)
    assert torch.equal(kept.tokens.key, fresh.tokens.key)
    assert (kept.name, kept.appearing, kept.geometry) == (fresh.name, fresh.appearing, fresh.geometry)
    others = {
        keep(tmp_path, small_model, "other", sequence, "files"),
        keep(tmp_path, small_model, "weights", sequence, "other"),
        keep(tmp_path, small_model, "weights", sequence, "files", 32),
    }
    assert len(others | {path}) == len(list(tmp_path.iterdir())) == 4
    monkeypatch.setattr(cache, "record", lambda *_: pytest.fail("it was recorded again"))
    assert keep(tmp_path, small_model, "weights", sequence, "files") == path
    network = type(small_model).__module__  # whose source counts too
    for owner, name in ((cache, "source_hash"), (torch, "get_num_threads")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, lambda *of: "another" * (not of or network in of))
            with pytest.raises(pytest.fail.Exception, match="again"):
                keep(tmp_path, small_model, "weights", sequence, "files")


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, None])
def test_a_broken_file_is_recorded_again(small_model, sequence, tmp_path, damage):
    path = keep(tmp_path, small_model, "weights", sequence, "files")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(VosbenchError, match="holds no trace"):
        load(path)
    keep(tmp_path, small_model, "weights", sequence, "files")
    assert path.read_bytes() == whole
