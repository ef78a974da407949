"""`vosbench score` gives the figures of the published evaluators, per object and in all, to 1e-9.

The cases and what the evaluators' own functions found in them are in ../shared/goldens/evaluators.
"""

import csv
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("default::UserWarning")  # what the evaluators' faults give is told of
PRECISION = 1e-9
STATISTICS = ("mean", "recall", "decay")


@pytest.fixture(scope="module")
def made(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder in which the cases of a protocol are, made when they are first asked for."""
    found: dict[str, Path] = {}

    def make(protocol: str) -> Path:
        if protocol not in found:
            found[protocol] = tmp_path_factory.mktemp(protocol)
            script = shared / "goldens/evaluators" / protocol / "make.py"
            osvos = shared / "data/osvos"
            subprocess.run([sys.executable, script, found[protocol], "--osvos", osvos], check=True)
        return found[protocol]

    return make


@pytest.fixture
def score(vosbench: Callable[..., Any], read_json: Callable[[Path], Any], tmp_path: Path) -> Callable[..., Any]:
    """The result of a command, with its rows of objects by (sequence, id), and what it said to standard error."""

    def call(masks: Path, *arguments: object) -> Any:
        outcome = vosbench("score", masks, *arguments, "--jobs", 1, "--no-cache", "--json", tmp_path / "found.json")
        assert outcome.status == 0, outcome.err
        result = read_json(tmp_path / "found.json") | {"said": outcome.err}
        result["objects"] = {(row["sequence"], row["object"]): row for row in result["objects"]}
        return result

    return call


@pytest.fixture
def expected(shared: Path) -> Callable[[str], tuple[list[dict[str, str]], Any]]:
    """The rows of a protocol's expected.csv and what its expected.json holds."""

    def read(protocol: str) -> tuple[list[dict[str, str]], Any]:
        folder = shared / "goldens/evaluators" / protocol
        with (folder / "expected.csv").open() as file:
            return list(csv.DictReader(file)), json.loads((folder / "expected.json").read_text())

    return read


def agree(found: dict[str, Any], wanted: dict[str, Any], names: dict[str, str], scale: float = 1) -> None:
    """Each of `names`, key here -> theirs; an empty cell or null is a figure that is not defined."""
    for key, theirs in names.items():
        value = wanted[theirs]
        if value in ("", None):
            assert found.get(key) is None, (key, found[key])
        else:
            assert abs(found[key] - float(value) / scale) <= PRECISION, (key, found[key], value)


def statistics(measure: str, theirs: str) -> dict[str, str]:
    """Keys of objects."""
    return {f"{measure}_{s}": theirs if s == "mean" else f"{theirs}_{s}" for s in STATISTICS}


def totals(measure: str, theirs: str) -> dict[str, str]:
    """Keys of aggregates."""
    return {f"{measure}_{s}": f"{theirs}-{s.capitalize()}" for s in STATISTICS}


def test_lvos(made, score, expected) -> None:
    root = made("lvos")
    rows, total = expected("lvos")
    found = score(root / "pred", "--dataset", "lvos-v1", "--root", root, "--split", "valid")
    assert len(found["objects"]) == len(rows) == total["objects_seen"] + total["objects_unseen"]
    order: dict[str, list[str]] = {}
    for sequence, object_id in found["objects"]:
        order.setdefault(sequence, []).append(str(object_id))
    for row in rows:
        own = found["objects"][row["sequence"], int(row["object"])]
        agree(own, row, {"unseen": "unseen", "j_mean": "J", "f_mean": "F", "v_mean": "V"})
        assert row["row_name"] == f"{row['sequence']}_{order[row['sequence']].index(row['object']) + 1}"
    groups = {f"{m}_{g}": f"{m.upper()}-{g}-Mean" for m in "jfv" for g in ("seen", "unseen")}
    agree(found["summary"], total, {"jf": "J&F-Mean", **{f"{m}_mean": f"{m.upper()}-Mean" for m in "jfv"}, **groups})


def test_lvos_frame_by_frame(made, score, shared: Path, tmp_path: Path) -> None:
    root = made("lvos")
    frames = ("--dataset", "lvos-v1", "--root", root, "--split", "valid", "--per-frame", tmp_path / "frames.csv")
    score(root / "pred", *frames)
    with (tmp_path / "frames.csv").open() as ours, (shared / "goldens/evaluators/lvos/frames.csv").open() as theirs:
        found, wanted = (
            [(r["sequence"], r["object"], r["j" if "j" in r else "J"]) for r in csv.DictReader(f)]
            for f in (ours, theirs)
        )
    assert len(found) == len(wanted)
    for (*who, j), (*whose, expected_j) in zip(sorted_by_object(found), sorted_by_object(wanted), strict=True):
        assert who == whose
        assert float(j) == pytest.approx(float(expected_j), abs=1e-11)


def sorted_by_object(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return sorted(rows, key=lambda row: row[:2])


@pytest.mark.parametrize("layout", ["objects", "labels"])
def test_sav(made, score, expected, layout: str) -> None:
    root = made("sav") / layout
    rows, total = expected("sav")
    found = score(root / "pred", "--dataset", "sav", "--root", root, "--split", "val")
    rows = [row for row in rows if row["layout"] == layout]
    assert len(found["objects"]) == len(rows) == total[layout]["objects"]
    for row in rows:  # folders are numbered from 000, ids from 1
        own = found["objects"][row["sequence"], int(row["object"]) + (layout == "objects")]
        agree(own, row, {"j_mean": "J", "f_mean": "F"}, scale=100)
    agree(found["summary"], total[layout], {"jf": "J&F", "j_mean": "J", "f_mean": "F"}, scale=100)


@pytest.mark.parametrize("protocol", ["vost", "vost-official"])
def test_vost(made, score, expected, protocol: str) -> None:
    root = made("vost")
    rows, total = expected("vost")
    found = score(root / "pred", "--dataset", "vost", "--root", root, "--split", "val", "--protocol", protocol)
    assert "hold the id 8, but the highest of the first true mask is 5: higher ones count as nothing" in found["said"]
    keys = statistics("j", "J") | statistics("j_last", "J_last")
    own_rule = correct_decays(total) if protocol == "vost" else {}
    for row in rows:
        own = found["objects"][row["sequence"], int(row["object"])]
        agree(own, row | own_rule.get((row["sequence"], row["object"]), {}), keys)
        assert "f_mean" not in own
    assert len(found["objects"]) == len(rows) == total["objects"]
    keys = totals("j", "J") | totals("j_last", "J_last")
    agree(found["summary"], total, {key: name for key, name in keys.items() if "decay" not in key or not own_rule})


def correct_decays(total: Any) -> dict[tuple[str, str], dict[str, float]]:
    """(sequence, id) -> decays by the correct rule where the published code gives another."""
    told: dict[tuple[str, str], dict[str, float]] = {}
    for name, value in total["decay by the correct rule where the published one fails"].items():
        sequence, object_id, measure = name.split()
        told.setdefault((sequence, object_id), {})[f"{measure}_decay"] = value
    return told


@pytest.mark.parametrize("protocol", ["visor", "visor-official"])
@pytest.mark.parametrize("split", ["val", "val_unseen"])
def test_visor(made, score, expected, protocol: str, split: str) -> None:
    root = made("visor")
    rows, total = expected("visor")
    found = score(root / "pred", "--dataset", "visor", "--root", root, "--split", split, "--protocol", protocol)
    own_rule = correct_decays(total) if protocol == "visor" else {}
    rows = [row for row in rows if row["sequence"] in {sequence for sequence, _ in found["objects"]}]
    for row in rows:
        own = found["objects"][row["sequence"], int(row["object"])]
        keys = statistics("j", "J") | statistics("f", "F")
        agree(own, row | own_rule.get((row["sequence"], row["object"]), {}), keys)
    assert len(found["objects"]) == len(rows) == total[split]["objects"]
    keys = {"jf": "J&F-Mean"} | totals("j", "J") | totals("f", "F")
    long = own_rule and split == "val"
    agree(found["summary"], total[split], {key: name for key, name in keys.items() if "decay" not in key or not long})


MOSE = {
    "j_mean": "J",
    "f_dot": "F_dot",
    "f_mean": "F",
    "j_d": "J_d",
    "f_dot_d": "F_dot_d",
    "j_r": "J_r",
    "f_dot_r": "F_dot_r",
}


@pytest.mark.parametrize("gone", [None, "areas"])
def test_mosev2(made, score, expected, gone: str | None, tmp_path: Path) -> None:
    root = made("mosev2")
    rows, total = expected("mosev2")
    masks = root / "pred"
    if gone:
        masks = shutil.copytree(masks, tmp_path / "masks", ignore=shutil.ignore_patterns(gone))
    found = score(masks, "--dataset", "mose-v2", "--root", root, "--split", "valid")
    for row in rows:
        own = found["objects"][row["sequence"], int(row["object"])]
        lost = dict.fromkeys(("J", "F_dot", "F"), 0.0) if row["sequence"] == gone else {}
        agree(own, row | lost, MOSE)
    assert found.get("missing", []) == ([gone] if gone else [])
    wanted = total[f"without the predictions of {gone}" if gone else "all"]
    keys = {"jf_dot": "J&F_dot", "j_mean": "J", "f_dot": "F_dot", "jf_dot_d": "J&F_dot_d", "jf_dot_r": "J&F_dot_r"}
    agree(found["summary"], wanted, keys | {"f_mean": "F", "jf": "J&F"})
    assert sum("j_d" in o for o in found["objects"].values()) == wanted["objects_with_d"]
    assert sum("j_r" in o for o in found["objects"].values()) == wanted["objects_with_r"]


TRACKING = {"quality": "Q", "accuracy": "A", "robustness": "R", "not_reported": "NRE", "drift": "DRE", "absence": "ADQ"}
COUNTS = {"tracked": "T", "drifted": "F", "missed": "M", "hallucinated": "H", "rejected": "N"}


def test_vots(made, score, expected) -> None:
    root = made("vots")
    rows, total = expected("vots")
    found = score(root / "pred", "--dataset", "folder", "--root", root, "--protocol", "vots", "--analyse")
    objects = {(row["sequence"], row["object"]): row for row in found["tracking"]["objects"]}
    for row in rows:
        agree(objects[row["sequence"], int(row["object"])], row, TRACKING | COUNTS)
    assert len(objects) == len(rows) == total["objects"]
    agree(found["tracking"]["all"], total, TRACKING)
    assert not any(math.isnan(value) for value in found["tracking"]["all"].values())
