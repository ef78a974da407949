"""Submission archives for the servers that keep ground truth private, in their exact layouts."""

import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from vosbench.base.atomic import replacing
from vosbench.base.values import Count, checked
from vosbench.datasets.base import Dataset
from vosbench.datasets.problems import Problem
from vosbench.errors import VosbenchError
from vosbench.masks.check import check_predictions


class UnfitMasksError(VosbenchError):
    """Masks that a server would refuse or misread, with every one of their problems."""

    def __init__(self, message: str, hint: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, hint)
        self.problems = problems


@checked('vosbench.export("masks", vosbench.open_dataset("davis2017", "DAVIS", "test-dev"), "masks.zip")')
def export(
    predictions: Path | str,
    dataset: Dataset,
    archive: Path | str,
    jobs: Count | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Pack the masks `<predictions>/<sequence>/<frame>.png` for the data set's server; returns how many files.

    The archive holds exactly the frames that the server wants (`Sequence.output_frames`), as they are on disk. The
    same masks give the same bytes. It appears only when all of it is written, opened again and found equal.

    jobs, progress: as in `check.check_predictions`.

    Warns of objects that no mask holds, which score 0. Raises UnfitMasksError if the pre-flight finds anything else,
    VosbenchError for a choice of sequences, a data set that has no server, and an archive that cannot be written.
    """
    predictions, archive = Path(predictions), Path(archive)
    if dataset.server is None:
        private = f"the ground truth of {dataset.split} is private, and no server of it is known: score another split"
        hint = private if dataset.is_private else "score them here, with `vosbench score`"
        raise VosbenchError(f"no server takes masks of the data set {dataset.name}", hint)
    if dataset.is_partial:
        hint = "export all of them: a server scores what is missing as zero, or refuses it"
        raise VosbenchError(f"a choice of the sequences of {dataset.name} {dataset.split} cannot be submitted", hint)
    found = check_predictions(predictions, dataset, jobs=jobs, progress=progress, for_server=True)
    if problems := [problem for problem in found if not problem.warning]:
        more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
        message = f"{predictions} cannot be submitted: {problems[0].message}{more}"
        raise UnfitMasksError(message, problems[0].hint, tuple(problems))
    for problem in found:
        warnings.warn(f"{problem.message}\n  hint: {problem.hint}", stacklevel=2)
    masks = {}
    for name in sorted(dataset.sequence_names()):
        video = dataset.sequence(name)
        wanted = (video.frames[index].name for index in video.output_frames)
        for source in dataset.predicted(predictions / name, wanted).values():
            for file in source.files():
                inside = file.relative_to(predictions)
                if inside.suffix.lower() == ".png":  # servers do not look for .PNG
                    inside = inside.with_suffix(".png")
                masks[dataset.server_folder + inside.as_posix()] = file
    with replacing(archive, "archive") as temporary:
        _pack(temporary, masks)
        _verify(temporary, masks, archive)
    return len(masks)


def _pack(archive: Path, masks: Mapping[str, Path]) -> None:
    """Write a zip of `masks`, {name in the archive: file}. No time, user or machine enters its bytes."""
    with zipfile.ZipFile(archive, "w") as packed:  # stored, since PNGs are compressed
        for name, path in masks.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3  # Unix, on whose terms the next line sets the permissions
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, path.read_bytes())


def _verify(archive: Path, masks: Mapping[str, Path], shown: Path) -> None:
    """Raise VosbenchError unless the zip holds `masks` and nothing else, byte by byte."""
    try:
        with zipfile.ZipFile(archive) as packed:
            sound = packed.namelist() == list(masks) and all(
                packed.read(name) == path.read_bytes() for name, path in masks.items()
            )
    except zipfile.BadZipFile:
        sound = False
    if not sound:
        hint = "a mask was written meanwhile, or the disk is faulty: export again"
        raise VosbenchError(f"archive {shown}, opened again, does not hold the masks as they are on disk", hint)
