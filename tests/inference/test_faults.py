"""Broken files, videos that are left early, and strategies that break their contract."""

import pickle
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
import torch

from vosbench.datasets.label_pngs import LabelPng
from vosbench.errors import PolicyError, VosbenchError
from vosbench.images import write_labels
from vosbench.inference.propagate import propagate
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.policy import MemoryPolicy, Step
from vosbench.memory.spec import load_policy
from vosbench.video import FirstMask, FrameRef, Sequence


@pytest.fixture
def on_disk(small_clip, tmp_path: Path) -> Sequence:
    rgb, labels = small_clip
    for t, frame in enumerate(rgb[:12]):
        assert cv2.imwrite(str(tmp_path / f"{t:05d}.png"), frame[..., ::-1])
    write_labels(tmp_path / "mask.png", labels[0])
    frames = tuple(FrameRef(f"{t:05d}", tmp_path / f"{t:05d}.png") for t in range(12))
    return Sequence("disk", frames, (FirstMask(0, (1, 2), LabelPng(tmp_path / "mask.png")),))


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("vosbench-reader")]


def test_files_give_what_arrays_give(segment, stacked, small_clip, on_disk):
    rgb, labels = small_clip
    arrays = Sequence.from_arrays(rgb[:12], {0: labels[0]})
    assert torch.equal(
        stacked(segment(on_disk)),
        stacked(segment(arrays)),
    )


def test_a_broken_frame_is_reported_in_its_turn(small_model, on_disk):
    on_disk.frames[3].source.write_bytes(b"")
    run = propagate(small_model, on_disk, load_policy("every-k"))
    assert [next(run).frame_index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(VosbenchError, match=r"00003.png is truncated"):
        next(run)
    assert not readers()


def test_a_video_that_is_left_early_leaves_no_thread(small_model, on_disk):
    run = propagate(small_model, on_disk, load_policy("every-k"))
    next(run)
    assert len(readers()) == 1
    run.close()
    assert not readers()


# Strategies that break the contract


@dataclass
class Faulty(MemoryPolicy):
    """Writes every frame, and does to the bank what it is told to before the second write."""

    act: Callable[[MemoryBank, FrameTokens], object]

    def admit(self, step: Step) -> bool:  # noqa: ARG002
        return True

    def write(self, tokens: FrameTokens) -> None:
        if tokens.frame == 1:
            self.act(self.bank, tokens)
        self.bank.insert(tokens)


def named(*slots: int) -> torch.Tensor:
    return torch.tensor(slots)


def free_twice(bank: MemoryBank, tokens: FrameTokens) -> None:  # noqa: ARG001
    bank.free(named(3))
    bank.free(named(3))


def free_pinned(bank: MemoryBank, tokens: FrameTokens) -> None:  # noqa: ARG001
    bank.pin(named(2, 5))
    bank.free(named(4, 5))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (free_twice, "named slots that are free: 3"),
        (free_pinned, "named pinned slots: 5"),
        (lambda bank, _: bank.free(named(1, 1)), "named slots twice: 1"),
        (lambda bank, _: bank.free(named(12)), "named slots out of range: 12"),
        (lambda bank, _: bank.free(torch.arange(13)), "named 13 slots, of which only 12 can be"),
        (lambda bank, _: bank.bound(20), "inserts 12 tokens into a memory with 12 of 20 occupied"),
        (lambda bank, _: bank.bound(11), "cannot hold one frame"),
    ],
)
def test_the_bank_refuses(small_model, sequence, act, message):
    with pytest.raises(VosbenchError, match=message) as caught:
        list(propagate(small_model, sequence, Faulty(act)))
    assert caught.value.hint


def test_a_strategy_that_holds_nothing(small_model, small_clip):
    @dataclass
    class Sieve(MemoryPolicy):
        def admit(self, step):  # noqa: ARG002
            return False

        def write(self, tokens):
            if tokens.frame > self.least:
                self.bank.insert(tokens)

    rgb, labels = small_clip
    policy = Sieve()
    policy.least = 0
    with pytest.raises(VosbenchError, match="left the memory empty before frame 1"):
        list(propagate(small_model, Sequence.from_arrays(rgb, {0: labels[0]}), policy))


def test_a_bounded_strategy_that_names_no_victims(small_model, sequence):
    @dataclass
    class Silent(MemoryPolicy):
        def start(self, video, bank):
            super().start(video, bank)
            bank.bound(video.tokens_per_frame)

        def admit(self, step):  # noqa: ARG002
            return True

    with pytest.raises(PolicyError, match="frame 1: NotImplementedError: Silent bounds its bank but names no victims"):
        list(propagate(small_model, sequence, Silent()))


# Whose fault it was


@dataclass
class Breaks(MemoryPolicy):
    """Raises something in frame 4."""

    error: Exception

    def admit(self, step):
        if step.frame == 4:
            raise self.error
        return True


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(Path(__file__).read_text().splitlines(), 1) if text in line)


def test_an_error_of_a_strategy_names_file_line_sequence_and_frame(small_model, sequence):
    with pytest.raises(PolicyError) as caught:
        list(propagate(small_model, sequence, Breaks(KeyError("two\nlines"))))
    assert "\n" not in caught.value.message
    place, rest = caught.value.message.split(": ", 1)
    assert Path(place.rpartition(":")[0]).resolve() == Path(__file__)
    assert place.endswith(f":{line_of('raise self.error')}")
    assert rest.startswith("video, frame 4: KeyError: ")
    assert isinstance(caught.value.__cause__, KeyError)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (type(copied), copied.message, copied.hint) == (PolicyError, caught.value.message, caught.value.hint)


def test_a_wrapped_strategy_is_blamed_in_its_own_file(small_model, sequence):
    policy = load_policy("gated")
    policy.base = Breaks(ValueError("no"))
    with pytest.raises(PolicyError, match=rf"test_faults.py:{line_of('raise self.error')}: video, frame 4: ValueError"):
        list(propagate(small_model, sequence, policy))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("CUDA error: device-side assert triggered"),
    ],
)
def test_an_exhausted_memory_and_a_gpu_that_failed_are_not_the_fault_of_a_strategy(small_model, sequence, error):
    with pytest.raises(type(error)) as caught:
        list(propagate(small_model, sequence, Breaks(error)))
    assert caught.value is error


def test_masks_of_another_shape(small_model, sequence):
    @dataclass
    class Cropped(MemoryPolicy):
        def admit(self, step):  # noqa: ARG002
            return True

        def masks(self, step):
            return step.segmentation.masks[:1]

    told = r"frame 0: masks: a tensor torch.float32 \(1, 48, 64\), where \(2, 48, 64\) are predicted"
    with pytest.raises(PolicyError, match=told):
        list(propagate(small_model, sequence, Cropped()))
