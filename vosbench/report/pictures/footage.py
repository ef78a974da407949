"""What there is to see of a sequence of a run: its frames from the data set, its truth, and each strategy's masks."""

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vosbench.bench.record import DATA_ROOT, RunRecord, read_record, read_run
from vosbench.datasets import DATASETS, Dataset, open_dataset
from vosbench.errors import VosbenchError, unknown
from vosbench.images import check_size
from vosbench.report.context import require_own_files, restrict
from vosbench.report.measures import accuracy_of, name_and_kind, pooled_jf
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
        """What a strategy predicted, uint8 [H,W]. FaultyMasksError if it cannot be read or is not of the `size`."""
        size = self.size
        try:
            labels = self.masks[strategy][frame].load().as_labels()
            check_size(labels.shape, size, f"of {strategy} for frame {frame} of {self.sequence}")
        except VosbenchError as error:
            hint = f"{error.hint}; or show the other strategies alone, with -p"
            raise FaultyMasksError(error.message, hint, strategy) from None
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

    def title(self, strategy: str) -> str:
        """What a strategy is called where it is shown: its label, and in brackets what it is, unless it competes."""
        return name_and_kind({"strategy": strategy, "kind": self.records[strategy].policy.kind})

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
    for controls and what failed). Raises VosbenchError for a sequence or strategy that the run does not have, as
    `data_of`, `context.require_own_files` and `footage_of`, and if there is no strategy to show.
    """
    found = mask_folders(run, sequence)
    chosen = restrict([record for record, _ in found.values()], strategies)
    if not strategies:
        chosen = tuple(record for record in chosen if record.policy.kind != "control" and not record.failure)
    if failed := next((record for record in chosen if record.failure), None):
        assert failed.failure is not None
        hint = "leave it out"
        raise VosbenchError(f"{failed.policy.label} has no masks of {sequence}: {failed.failure.reason}", hint)
    if not chosen:
        raise VosbenchError(f"no strategy has masks of {sequence} in {run}", "choose another sequence")
    data = data_of(run, chosen[0], root)
    require_own_files(chosen[0], data)
    return footage_of(sequence, {record.policy.label: found[record.policy.label] for record in chosen}, data)


def mask_folders(run: Path, sequence: str) -> dict[str, tuple[RunRecord, Path]]:
    """Each strategy's record and folder of masks by label, in order of the run. VosbenchError for unknown sequences."""
    found = []
    for path in sorted((run / "records").glob(f"*/{glob.escape(sequence)}.json")):
        record = read_record(path)
        masks = run / "masks" / path.parent.name if record.model else Path(record.policy.spec)
        found.append((record, masks / sequence))
    if not found:
        raise unknown(f"sequence of {run}", sequence, {record.sequence for record in read_run(run)})
    found.sort(key=lambda one: one[0].policy.position)
    return {record.policy.label: (record, masks) for record, masks in found}


def footage_of(sequence: str, found: Mapping[str, tuple[RunRecord, Path]], data: Dataset) -> Footage:
    """The frames and the truth of a sequence, and the masks of strategies, which are as `mask_folders` gives them.

    Of masks that no run made, the frames are those of which every method has one. Raises FaultyMasksError for masks
    that are not there any more, and as `Dataset.sequence` and `Dataset.truth`.
    """
    video = data.sequence(sequence)
    frames = tuple(video.frames[index] for index in video.output_frames)
    masks = {}
    for label, (record, folder) in found.items():
        masks[label] = data.predicted(folder, [frame.name for frame in frames])
        if record.model:
            _require(folder.parents[1], label, masks[label])
        else:
            there = {name for name, mask in masks[label].items() if _is_there(mask)}
            frames = tuple(frame for frame in frames if frame.name in there)
            if not frames:
                message = f"no frame of {sequence} has a mask of every method" if there else f"{folder} holds no masks"
                raise FaultyMasksError(message, "is the folder where it was? or choose others with --policies", label)
    truth = {} if data.is_private else data.truth(sequence).masks
    return Footage(sequence, frames, truth, masks, {label: record for label, (record, _) in found.items()})


def data_of(run: Path, record: RunRecord, root: Path | None = None) -> Dataset:
    """The data set of a run, in `root` or where it was for the run, where clips that are gone are generated again.

    Raises VosbenchError as `open_dataset`, and for a `root` in which they would be generated: it is not the run's.
    """
    info, kept = record.dataset, run / DATA_ROOT
    name = str(record.suite.get("dataset", info.name))
    before = Path(os.fsdecode(kept.read_bytes())) if kept.is_file() else None
    if root is not None and (absent := DATASETS.find(name).would_make(root, info.split)):
        message = f"{root} does not hold {info.name} {info.split}: there is nothing in {absent}"
        hint = f"leave out --root: the run {'tells of none' if before is None else f'had {before}'}"
        raise VosbenchError(message, hint)
    root = root or before
    try:
        return open_dataset(name, root, info.split, frame_mode=info.frame_mode)
    except VosbenchError as error:
        if root is None or not root.is_dir():
            raise VosbenchError(error.message, "say where the data set is now, with --root") from None
        raise


def _is_there(mask: MaskSource) -> bool:
    return all(file.is_file() for file in mask.files())


def _require(folder: Path, strategy: str, masks: Mapping[str, MaskSource]) -> None:
    for file in (file for mask in masks.values() for file in mask.files()):
        if not file.is_file():
            hint = f"pictures need what `vosbench run` wrote to {folder}; published results have no masks"
            if folder.is_dir():
                hint = "the same `vosbench run` makes it again; or choose other strategies with --policies"
            raise FaultyMasksError(f"the run does not have the mask {file}", hint, strategy)
