"""Submission archives for the servers that keep ground truth private, in their exact layouts."""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vosbench.base.atomic import replacing
from vosbench.datasets.base import Dataset
from vosbench.datasets.problems import Problem
from vosbench.errors import VosbenchError, unknown
from vosbench.masks.check import check_predictions


@dataclass(frozen=True)
class Server:
    """Where a server looks for the masks: `<folder><sequence>/<frame>.png` in a zip; which data sets it is for."""

    name: str
    folder: str
    datasets: frozenset[str]


SERVERS = {
    server.name: server
    for server in (
        Server("davis", "", frozenset({"davis2017"})),
        Server("youtube-vos", "Annotations/", frozenset({"youtube-vos-2018", "youtube-vos-2019"})),
        Server("mose", "", frozenset({"folder"})),  # MOSE is read as a plain folder
    )
}


class UnfitMasksError(VosbenchError):
    """Masks that a server would refuse or misread, with every one of their problems."""

    def __init__(self, message: str, hint: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, hint)
        self.problems = problems


def export(
    predictions: Path | str,
    dataset: Dataset,
    archive: Path | str,
    server: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Pack the masks `<predictions>/<sequence>/<frame>.png` for a server; returns how many there are.

    The archive holds exactly the frames that the server wants (`Sequence.output_frames`), as they are on disk. The
    same masks give the same bytes. It appears only when all of it is written, opened again and found equal.

    server: one of `SERVERS` (None: the data set's own). jobs, progress: as in `preflight.check_predictions`.

    Raises UnfitMasksError if the pre-flight finds anything, VosbenchError for a choice of sequences, a data set that
    has no such server, and an archive that cannot be written.
    """
    predictions, archive = Path(predictions), Path(archive)
    folder = _server(dataset, server).folder
    if dataset.is_partial:
        raise VosbenchError(
            f"a choice of the sequences of {dataset.name} {dataset.split} cannot be submitted",
            "export all of them: a server scores what is missing as zero, or refuses it",
        )
    problems = check_predictions(predictions, dataset, jobs=jobs, progress=progress, for_server=True)
    if problems:
        raise UnfitMasksError(
            f"{predictions} cannot be submitted: {problems[0].message}"
            + (f"; and {len(problems) - 1} more" if len(problems) > 1 else ""),
            problems[0].hint,
            tuple(problems),
        )
    masks = {}
    for name in sorted(dataset.sequence_names()):
        video = dataset.sequence(name)
        wanted = (video.frames[index].name for index in video.output_frames)
        for source in dataset.predicted(predictions / name, wanted).values():
            for file in source.files():
                masks[folder + file.relative_to(predictions).as_posix()] = file
    with replacing(archive, "archive") as temporary:
        _pack(temporary, masks)
        _verify(temporary, masks, archive)
    return len(masks)


def _server(dataset: Dataset, name: str | None) -> Server:
    if name is not None and name not in SERVERS:
        raise unknown("server", name, SERVERS)
    fitting = [s for s in SERVERS.values() if dataset.name in s.datasets and name in (None, s.name)]
    if not fitting:
        of = {dataset for server in SERVERS.values() for dataset in server.datasets}
        raise VosbenchError(
            f"{f'the server {name} takes no' if name else 'no server takes'} masks of the data set {dataset.name}",
            f"known servers: {', '.join(SERVERS)}; of the data sets {', '.join(sorted(of))}",
        )
    return fitting[0]


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
        raise VosbenchError(
            f"archive {shown}, opened again, does not hold the masks as they are on disk",
            "a mask was written meanwhile, or the disk is faulty: export again",
        )
