"""What there is to see of a sequence of a run: its frames from the data set, its truth, and each strategy's masks."""

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vosbench.bench.record import DATA_ROOT, RunRecord, read_record, read_run
from vosbench.datasets import Dataset, open_dataset
from vosbench.errors import VosbenchError, a_few, unknown
from vosbench.images import check_size
from vosbench.report.context import restrict
from vosbench.report.measures import accuracy_of, pooled_jf
from vosbench.report.pictures.overlay import overlay, resized
from vosbench.video import FrameRef, MaskSource


class FaultyMasksError(VosbenchError):
    """The masks of one strategy, `strategy` is its label, cannot be shown. Others are not concerned."""

    def __init__(self, message: str, hint: str = "", strategy: str = "") -> None:
        super().__init__(message, hint)
        self.strategy = strategy


@dataclass(frozen=True)
class Footage:
    """A sequence of a run, read from disk as it is asked for.

    `frames` are those of which masks are written, in order; `truth` are the masks of the annotated ones, by name of
    the frame ({}: private); `masks` are by label of the strategy, then by name of the frame; `records` by label.
    """

    sequence: str
    frames: tuple[FrameRef, ...]
    truth: Mapping[str, MaskSource]
    masks: Mapping[str, Mapping[str, MaskSource]]
    records: Mapping[str, RunRecord]

    def labels(self, strategy: str, frame: str) -> np.ndarray:
        """What a strategy predicted, a label map, uint8 [H,W]. Raises FaultyMasksError if it cannot be read, or is not
        of the `size`.
        """
        size = self.size
        try:
            labels = self.masks[strategy][frame].load().as_labels()
            check_size(labels.shape, size, f"of {strategy} for frame {frame} of {self.sequence}")
        except VosbenchError as error:
            raise FaultyMasksError(error.message, error.hint, strategy) from None
        return labels

    @cached_property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames in pixels. Raises VosbenchError if the first cannot be read."""
        height, width = self.frames[0].load().shape[:2]
        return height, width

    @property
    def first_row(self) -> str:
        """What stands above the strategies: the truth, or where there is none the frame alone."""
        return "truth" if self.truth else "frame"

    def drawn(self, place: int, size: tuple[int, int], width: int | None = None) -> list[np.ndarray]:
        """The frame at a place with the truth over it, and with the masks of each strategy, whose errors are outlined:
        uint8 RGB [h,w,3] of a size (height, width), with lines of a width (see `overlay`). Where the frame has no
        truth, the first shows the frame alone. Raises VosbenchError for a picture that cannot be read.
        """
        name = self.frames[place].name
        rgb, truth = resized(self.frames[place].load(), size), self.true_labels(name)
        if truth is not None:
            truth = resized(truth, size)
        masks = [resized(self.labels(strategy, name), size) for strategy in self.masks]
        first = rgb if truth is None else overlay(rgb, truth, width=width)
        return [first, *(overlay(rgb, labels, truth, width=width) for labels in masks)]

    def accuracy(self, strategy: str) -> str:
        """`J&F 77.1` of a strategy on this sequence; "" if it has no scores."""
        jf = 100 * pooled_jf([self.records[strategy]])
        return f"{accuracy_of([self.records[strategy]])} {jf:.1f}" if np.isfinite(jf) else ""

    def true_labels(self, frame: str) -> np.ndarray | None:
        """The truth, a label map, uint8 [H,W]; None where the frame has none. Raises VosbenchError as `labels`."""
        return self.truth[frame].load().as_labels() if frame in self.truth else None


def open_footage(run: Path, sequence: str, root: Path | None = None, strategies: Sequence[str] = ()) -> Footage:
    """The footage of a sequence in the folder of a run.

    `root` is that of the data set (None: where it was for the run); `strategies` are labels or specs (none: all, but
    for controls and what failed). Of masks that no run made, the frames are those of which every method has one. Raises
    VosbenchError for a sequence or strategy that the run does not have, masks that are not there any more, and as
    `open_dataset`.
    """
    paths = {path.parent.name: path for path in sorted((run / "records").glob(f"*/{glob.escape(sequence)}.json"))}
    folders = {name: read_record(path) for name, path in paths.items()}
    if not folders:
        raise unknown("sequence of the run", sequence, {record.sequence for record in read_run(run)})
    chosen = restrict(tuple(folders.values()), strategies)
    if not strategies:
        chosen = tuple(record for record in chosen if record.policy.kind != "control" and not record.failure)
    records = {record.policy.label: record for record in sorted(chosen, key=lambda record: record.policy.position)}
    if failed := next((record for record in records.values() if record.failure), None):
        assert failed.failure is not None
        raise VosbenchError(
            f"{failed.policy.label} has no masks of {sequence}: {failed.failure.reason}", "leave it out"
        )
    if not records:
        raise VosbenchError(f"no strategy has masks of {sequence} in {run}", "choose another sequence")
    data = data_of(run, next(iter(records.values())), root)
    video = data.sequence(sequence)
    frames = tuple(video.frames[index] for index in video.output_frames)
    masks = {}
    for name, record in folders.items():
        if record.policy.label in records:
            where = run / "masks" / name / sequence if record.model else Path(record.policy.spec) / sequence
            masks[record.policy.label] = data.predicted(where, [frame.name for frame in frames])
            if record.model:
                _require(run / "masks", record.policy.label, masks[record.policy.label])
            else:
                frames = tuple(frame for frame in frames if _is_there(masks[record.policy.label][frame.name]))
                if not frames:
                    hint = "are the folders where they were?"
                    label = record.policy.label
                    raise FaultyMasksError(f"no frame of {sequence} has a mask of every method", hint, label)
    truth = {} if data.is_private else data.truth(sequence).masks
    return Footage(sequence, frames, truth, {label: masks[label] for label in records}, records)


def most_disputed_sequence(run: Path, strategies: Sequence[str] = ()) -> str:
    """The sequence of a run on which the J&F of its strategies, or of some of them, lies farthest apart. Raises
    VosbenchError as `read_run` and `restrict`, and if every strategy failed.
    """
    found: dict[str, list[float]] = {}
    for record in restrict(read_run(run), strategies):
        if record.policy.kind != "control" and not record.failure:
            found.setdefault(record.sequence, []).append(pooled_jf([record]))
    if not found:
        raise VosbenchError(
            f"{a_few(strategies) or 'no strategy'} of {run} has no masks"
            if strategies
            else f"no strategy of {run} has masks",
            "choose other strategies: controls and what failed leave none" if strategies else "choose another run",
        )
    return max(found, key=lambda sequence: np.nan_to_num(np.ptp(found[sequence])))


def data_of(run: Path, record: RunRecord, root: Path | None = None) -> Dataset:
    """The data set of a run, in `root` or where it was for the run. Raises VosbenchError as `open_dataset`."""
    info, kept = record.dataset, run / DATA_ROOT
    if root is None and kept.is_file():
        root = Path(os.fsdecode(kept.read_bytes()))
    try:
        return open_dataset(str(record.suite.get("dataset", info.name)), root, info.split, frame_mode=info.frame_mode)
    except VosbenchError as error:
        if root is None or not root.is_dir():
            raise VosbenchError(error.message, "say where the data set is now, with --root") from None
        raise


def _is_there(mask: MaskSource) -> bool:
    return all(file.is_file() for file in mask.files())


def _require(folder: Path, strategy: str, masks: Mapping[str, MaskSource]) -> None:
    for mask in masks.values():
        for file in mask.files():
            if not file.is_file():
                message = f"the run does not have the mask {file}"
                hint = f"pictures need what `vosbench run` wrote to {folder}; published results have no masks"
                raise FaultyMasksError(message, hint, strategy) if folder.is_dir() else VosbenchError(message, hint)
