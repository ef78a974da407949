"""The paper's tables and figures, measured on the data that is there, beside what the paper prints."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from vosbench.bench.record import read_run
from vosbench.bench.suite import read_suites
from vosbench.cli.verbs.reproduce import STRIPS, TABLES, WHAT
from vosbench.images import read_labels, write_labels
from vosbench.models.checkpoint import WEIGHTS
from vosbench.report.context import by_strategy
from vosbench.report.measures import measures

pytestmark = pytest.mark.usefixtures("scored_in_a_thread")


@pytest.fixture
def here(small_davis, tmp_path, monkeypatch):
    """The working folder, with a small `DAVIS`."""
    monkeypatch.chdir(tmp_path)
    return small_davis.parent


def marked(rows):
    return {(row["dataset"], row["strategy"]): row for row in rows if row["kind"] == "paper"}


def own(rows):
    return {(row["dataset"], row["strategy"]): row for row in rows if row["kind"] == "strategy"}


def test_table_1_on_the_data_that_is_there(here, vosbench, read_json, refused):
    command = ("reproduce", "table1", "--root", "davis2017=DAVIS", "--threads", 1)
    assert "data set root none is not a folder" in refused(*command, "--root", "davis2016=none")
    assert not (here / ".vosbench").exists()  # nothing was measured before it was said
    outcome = vosbench(*command, "--json", "one.json")
    assert outcome.status == 0
    rows = read_json(here / "one.json")["rows"]
    assert marked(rows)["davis2016", "every-5"]["jf"] == 0.917
    assert marked(rows)["davis2017", "LFU (2 frames)"]["j_decay"] == pytest.approx(0.081)
    (run,) = (here / ".vosbench/runs").iterdir()
    assert {record.suite["name"] for record in read_run(run)} == {"paper-table1"}  # what `vosbench run` would do
    for name, label in (("every-5", "every-k:k=5"), ("LFU (2 frames)", "lfu:capacity=2")):
        row = own(rows)["davis2017", name]
        expected = measures(by_strategy(read_run(run))[label])
        assert {key: row[key] for key in ("j_mean", "f_recall", "jf")} == {
            key: expected[key] for key in ("j_mean", "f_recall", "jf")
        }
    assert own(rows)["davis2016", "every-5"]["jf"] is None
    assert "Not measured: davis2016: no --root davis2016=FOLDER." in " ".join(outcome.out.split())
    assert outcome.out.count("(paper)") == 7
    chosen = vosbench(*command, "--dataset", "davis2017").out
    assert "Not measured: davis2016: --dataset leaves it out." in " ".join(chosen.split())
    again = vosbench(*command)
    assert "since the start" in outcome.err
    assert (again.out, again.err) == (outcome.out, "")  # nothing is done twice
    assert "unknown table or figure of the paper 'table7'" in (said := refused("reproduce", "table7"))
    assert "figure6" in said
    assert "the suite has no data set youtube-vos-2019" in refused(
        "reproduce", "table1", "--root", "youtube-vos-2019=DA"
    )


def test_every_table_is_there_without_any_data(here, vosbench, refused):
    for what, number in TABLES.items():
        outcome = vosbench("reproduce", what, "--format", "csv", "--out", f"{what}.csv")
        assert (outcome.status, outcome.err) == (0, "")
        assert f"{what}.csv exists already" in refused("reproduce", what, "--out", f"{what}.csv")
        with (here / f"{what}.csv").open() as file:
            rows = list(csv.DictReader(file))
        figures = [any(row[key] for key in row if key not in ("dataset", "strategy", "kind")) for row in rows]
        assert figures == [row["kind"] == "paper" for row in rows]
        assert len({row["kind"] for row in rows}) == 2
        latex = vosbench("reproduce", what, "--format", "latex").out
        assert f"\\caption{{Table {number} of Pourganjalikhan" in latex
        assert f"\\label{{tab:{what}}}" in latex
    assert all(read_suites(f"paper-{what}") for what in TABLES)
    assert set(WHAT) == {*TABLES, "figure4", "figure5", "figure6"}


def test_seen_and_unseen_categories_where_the_truth_is_there(here, small_youtube, vosbench, read_json):
    valid = ("reproduce", "table2", "--root", small_youtube, "--threads", 1, "--shorter-side", 0)
    outcome = vosbench(*valid, "--json", "two.json")
    assert "the ground truth of valid is private" in " ".join(outcome.out.split())
    assert not (here / ".vosbench").exists()
    assert marked(read_json(here / "two.json")["rows"])["youtube-vos", "every-5"]["overall"] == 0.841
    (small_youtube / "valid").rename(small_youtube / "train")
    for t in range(20):  # a mask of every frame, where objects stay as they first were
        names = [small_youtube / f"train/Annotations/a1/{10 + 5 * first:05d}.png" for first in (0, 5, 15) if first <= t]
        labels = np.max([read_labels(name) for name in names], axis=0)
        if t not in (0, 5, 15):
            write_labels(names[0].with_name(f"{10 + 5 * t:05d}.png"), labels)
    meta = json.loads((small_youtube / "train/meta.json").read_text())
    for object_id, first, category in (("1", 0, "ape"), ("3", 5, "cat"), ("7", 15, "ape")):
        frames = [f"{10 + 5 * t:05d}" for t in range(first, 20)]
        meta["videos"]["a1"]["objects"][object_id] = {"category": category, "frames": frames}
    (small_youtube / "train/meta.json").write_text(json.dumps(meta))
    (here / "known.json").write_text('{"videos": {"v": {"objects": {"1": {"category": "ape"}}}}}')
    train = (*valid, "--split", "train", "--train-meta", "known.json", "--json", "two.json")
    without = vosbench(*train[:-4])
    assert "Not measured: youtube-vos-2019: no --train-meta FILE tells which" in " ".join(without.out.split())
    other = ("reproduce", "table2", "--dataset", "davis2017", "--root", "DAVIS", "--train-meta", "known.json")
    assert "Not measured: davis2017: it names no categories" in " ".join(vosbench(*other).out.split())
    assert not (here / ".vosbench").exists()  # nothing was measured for nothing
    assert vosbench(*train).status == 0
    row = own(read_json(here / "two.json")["rows"])["youtube-vos-2019", "LFU (2 frames)"]
    (run,) = (here / ".vosbench/runs").iterdir()
    (record,) = [record for record in read_run(run) if record.policy.spec == "lfu:capacity=2"]
    j = {score.object_id: score.j.mean for score in record.scores.objects}
    assert row["j_unseen"] == j[3]
    assert row["j_seen"] == pytest.approx((j[1] + j[7]) / 2)
    assert row["overall"] == pytest.approx(np.mean([row[f"{m}_{g}"] for m in "jf" for g in ("seen", "unseen")]))


@pytest.mark.usefixtures("real_network")
def test_trainings_by_weights_or_folder(here, vosbench, read_json, refused):
    (here / "training").mkdir()
    shutil.copy(WEIGHTS / "stcn-tiny.safetensors", here / "mine.safetensors")
    command = ("reproduce", "table5", "--root", "davis2017=DAVIS", "--threads", 1, "--limit", 1)
    models = ("--model", "plain=stcn-tiny", "--model", "dropout=mine.safetensors")
    assert vosbench(*command, *models, "--json", "five.json").status == 0
    rows = own(read_json(here / "five.json")["rows"])
    assert rows["davis2017", "STCN"]["jf"] == rows["davis2017", "STCN + dropout"]["jf"] > 0  # the same weights
    assert rows["davis2017", "STCN + reallocation"]["jf"] is None
    conditions = json.loads((here / "five.json").read_text())["conditions"]
    assert conditions["absent"]["reallocation"] == "no --model for it"
    assert "holds no checkpoint" in refused(*command, "--model", "plain=training")
    assert "no training mine here" in refused(*command, "--model", "mine=stcn-tiny")
    assert "given twice" in refused(*command, *models, "--model", "plain=stcn-tiny")


def test_figure_6_on_any_data_with_truth(here, vosbench, read_json):
    command = ("reproduce", "figure6", "--dataset", "davis2017", "--root", "DAVIS", "--limit", 1, "--threads", 1)
    outcome = vosbench(*command, "--json", "six.json", "--format", "svg")
    assert outcome.status == 0
    found = read_json(here / "six.json")
    jf = {row["strategy"]: row["jf"] for row in found["rows"]}
    assert found["gain"] == pytest.approx(jf["lfu:capacity=4"] - jf["lfu:capacity=2"])
    assert (here / "figures/figure6.svg").is_file()
    assert f"{100 * found['gain']:+.1f} points; the paper, on YouTube-VOS: by +2." in outcome.out


def test_figures_4_and_5_as_strips(here, vosbench, read_json, refused):
    outcome = vosbench(
        *("reproduce", "figure4", "--root", "DAVIS", "--limit", 1, "--threads", 1, "--out", "strips"),
        *("--json", "strips.json"),
    )
    assert outcome.status == 0
    assert read_json(here / "strips.json")["figures"] == {"ant": "strips/figure4-ant.png"}
    assert "does not name its sequences" in outcome.out
    with Image.open(here / "strips/figure4-ant.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
    assert STRIPS == {"figure4": "paper-table1", "figure5": "paper-table4"}
    assert "no --root davis2017" in refused("reproduce", "figure5")


def test_what_could_not_be_written_is_refused_before_the_run(here, refused):
    (here / "figures").mkdir()
    (here / "figures/figure6.png").touch()
    data = ("--dataset", "davis2017", "--root", "DAVIS")
    assert "figures/figure6.png exists already" in refused("reproduce", "figure6", *data)
    assert "cannot write a figure as figure4.gif" in refused("reproduce", "figure4", *data, "--format", "gif")
    assert "unknown table format 'html'" in refused("reproduce", "table1", *data, "--format", "html")
    said = refused("reproduce", "table1", *data, "--format", "latex", "--columns", "strategy,fj")
    assert "unknown column 'fj'" in said
    assert not (here / ".vosbench").exists()
