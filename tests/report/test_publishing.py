"""A published run: complete, made of its records alone, and refused where it would mislead."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from vosbench.bench.record import read_run, write_record
from vosbench.errors import VosbenchError
from vosbench.report.drawing.style import save
from vosbench.report.publishing import documents, figures, publish
from vosbench.report.tables import attribute

RESULTS = Path(__file__).resolve().parents[2] / "results"
PUBLISHED = sorted(path.parent for path in RESULTS.rglob("records"))
SWEEPS = sorted({path.parent for path in PUBLISHED} - {RESULTS})


def write_run(folder, records):
    for record in records:
        write_record(folder / "records" / record.policy.name / f"{record.sequence}.json", record)
    return folder


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_made_of_the_records(run, tmp_path):
    source = write_run(tmp_path / "run", run)
    paths = publish(source, folder=tmp_path / "published")
    first = contents(tmp_path / "published")
    assert sorted(first) == sorted(path.relative_to(tmp_path / "published") for path in paths)
    assert {str(path) for path in first if path.parts[0] != "records"} == {
        *(
            f"{name}.{kind}"
            for name in ("strategies", "environment", "stages", "latency")
            for kind in ("md", "csv", "tex")
        ),
        *("sequences.csv", "objects.csv"),
        *(
            f"{name}-against-{by}.svg"
            for name, by in (("accuracy", "speed"), ("latency", "frame"), ("memory", "frame"))
        ),
    }
    assert read_run(tmp_path / "published") == run
    publish(tmp_path / "published", folder=tmp_path / "again")
    assert contents(tmp_path / "again") == first
    publish(tmp_path / "published", folder=tmp_path / "published")  # in its place, too
    assert contents(tmp_path / "published") == first


def test_an_earlier_publication_gives_way_and_notes_stay(run, tmp_path):
    source, target = write_run(tmp_path / "run", run), tmp_path / "published"
    write_run(target, [replace(run[0], policy=replace(run[0].policy, spec="old", name="old"))])
    (target / "notes.md").write_text("kept")
    publish(source, folder=target)
    assert read_run(target) == run
    assert (target / "notes.md").read_text() == "kept"


def test_a_run_without_ground_truth(build, tmp_path):
    records = [build(j=[], latency_ms=[1.0, 2.0], tokens=[1, 2])]
    names = {path.name for path in publish(write_run(tmp_path / "run", records), folder=tmp_path / "published")}
    assert {"strategies.md", "latency-against-frame.svg"} <= names
    assert not {"objects.csv", "accuracy-against-speed.svg"} & names


def change(field, **values):
    return lambda record: replace(record, **{field: replace(getattr(record, field), **values)})


@pytest.mark.parametrize(
    ("spoil", "message", "allowed"),
    [
        (change("dataset", sequences=3), "is partial .2 of 3 sequences are done", "allow_partial"),
        (lambda r: replace(r, suite={"policies": ["lfu", "lru"]}), "is partial .not run yet: lru", "allow_partial"),
        (lambda r: replace(r, partial=True), "is partial .sequences were left out", "allow_partial"),
        (change("environment", dirty=True), "from a changed working tree .strategy lfu, sequence cat", "allow_dirty"),
        (change("environment", commit=None, dirty=None), "source that is no checkout", "allow_dirty"),
    ],
)
def test_what_would_mislead_is_refused_unless_told(run, tmp_path, spoil, message, allowed):
    source = write_run(tmp_path / "run", map(spoil, run))
    with pytest.raises(VosbenchError, match=message) as caught:
        publish(source, folder=tmp_path / "published")
    assert f"--{allowed.replace('_', '-')}" in caught.value.hint
    assert not (tmp_path / "published").exists()
    publish(source, folder=tmp_path / "published", **{allowed: True})
    assert (tmp_path / "published/strategies.md").exists()


def test_a_killed_run_is_refused(run, tmp_path):
    source = write_run(tmp_path / "run", run[:-1])
    with pytest.raises(VosbenchError, match=r"is partial .1 of 2 sequences are done"):
        publish(source, folder=tmp_path / "published")
    (source / "records/fifo/cat.json").write_text('{"schema": 2, "ident')
    with pytest.raises(VosbenchError, match="truncated or not JSON"):
        publish(source, folder=tmp_path / "published", allow_partial=True)
    assert not (tmp_path / "published").exists()


def test_a_folder_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VosbenchError, match="cannot write"):
        publish(write_run(tmp_path / "run", run), folder=tmp_path / "file")


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda path: path.name)
def test_what_is_committed_follows_from_its_records(folder):
    records = read_run(folder)
    for name, text in documents(records).items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"vosbench publish {folder} --out {folder}"
    assert all((folder / name).is_file() for name in figures(records))


@pytest.mark.parametrize("folder", SWEEPS, ids=lambda path: path.name)
def test_a_committed_sweep_follows_from_its_runs(folder):
    runs = [read_run(path) for path in PUBLISHED if path.parent == folder]
    for name, text in documents(*runs).items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"vosbench publish {folder}/*/ --out {folder}"
    assert all((folder / name).is_file() for name in figures(*runs))


def test_everything_committed_belongs_to_a_publication():
    """So that all of it can be made again: no folder of tables without the records, commit and machine."""
    folders = {path.parent for path in RESULTS.rglob("*.csv")} | {path.parent for path in RESULTS.rglob("*.svg")}
    assert folders == {*PUBLISHED, *SWEEPS}
    assert all((folder / "environment.md").is_file() for folder in PUBLISHED)


def at_occlusion(run, strength):
    dataset = replace(run[0].dataset, name="synthetic", split=f"occlusion={strength}", fingerprint=str(strength))
    return [replace(record, dataset=dataset) for record in run]


def test_a_sweep_is_published_with_its_runs(run, tmp_path):
    runs = [write_run(tmp_path / f"run-{at}", at_occlusion(run, at)) for at in (5, 20)]
    paths = publish(*runs, folder=tmp_path / "published")
    first = contents(tmp_path / "published")
    assert sorted(first) == sorted(path.relative_to(tmp_path / "published") for path in paths)
    assert {"attribute.md", "attribute.csv", "attribute.tex", "accuracy-against-occlusion.svg"} <= set(map(str, first))
    for source in runs:
        published = tmp_path / "published" / source.name
        assert read_run(published) == read_run(source)
        publish(source, folder=tmp_path / "alone" / source.name)
        assert contents(tmp_path / "alone" / source.name) == contents(published)
    records = [read_run(source) for source in runs]
    assert attribute.table(*records).caption in (tmp_path / "published/attribute.md").read_text()
    publish(*[tmp_path / "published" / source.name for source in runs], folder=tmp_path / "again")
    assert contents(tmp_path / "again") == first


@pytest.mark.parametrize(
    ("names", "strengths", "spoil", "message"),
    [
        (("a/x", "b/x"), (5, 20), lambda r: r, "two of the runs have one name"),
        (("x", "y"), (5, 5), lambda r: r, "do not differ in one strength alone"),
        (("x", "y"), (5, 20), change("environment", dirty=True), "y was made from a changed working tree"),
    ],
)
def test_runs_that_are_no_sweep_are_refused_before_anything_is_written(run, tmp_path, names, strengths, spoil, message):
    first, second = (at_occlusion(run, strength) for strength in strengths)
    runs = [write_run(tmp_path / names[0], first), write_run(tmp_path / names[1], map(spoil, second))]
    with pytest.raises(VosbenchError, match=message):
        publish(*runs, folder=tmp_path / "published")
    assert not (tmp_path / "published").exists()


def test_figures_do_not_depend_on_when_they_are_drawn(run, tmp_path):
    for turn in "ab":
        for name, figure in figures(run).items():
            save(figure, tmp_path / turn / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_every_column_is_explained(run, tmp_path):
    explained = (RESULTS / "README.md").read_text(encoding="utf-8")
    publish(write_run(tmp_path / "run", run), folder=tmp_path / "published")
    for path in tmp_path.glob("published/*.csv"):
        for column in pd.read_csv(path).columns:
            assert f"`{column}`" in explained, f"{path.name}: {column}"
