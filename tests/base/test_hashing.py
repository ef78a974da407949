"""A hash of source changes with all that its modules import, and with nothing else."""

import ast
import shutil
from pathlib import Path

import pytest

from vosbench.base import hashing

RUN, SCORES, TRACES = "vosbench.bench.runner", "vosbench.masks.score", "vosbench.simulation.cache"


def names(*modules: str) -> set[str]:
    return {file.relative_to(hashing.PACKAGE).as_posix() for file in hashing.sources(*modules)}


def test_whatever_a_mask_a_score_or_a_time_comes_from_counts():
    run, scores, traces = names(RUN), names(SCORES), names(TRACES)
    for file in hashing.PACKAGE.rglob("*.py"):
        name = file.relative_to(hashing.PACKAGE).as_posix()
        folder = name.partition("/")[0]
        if folder in ("report", "training", "cli", "__init__.py", "__main__.py"):
            assert name not in run | scores | traces
        if folder in ("images.py", "video.py", "datasets", "models", "memory", "inference") and name not in OTHER:
            assert name in run
    for name in ("images.py", "video.py", "metrics/measure.py", "metrics/boundary.py", "masks/cache.py"):
        assert name in scores
    for name in ("memory/bank.py", "models/checkpoint.py", "inference/propagate.py"):
        assert name in run - scores
    for name in ("images.py", "models/geometry.py", "simulation/trace.py", "simulation/cache.py"):
        assert name in traces
    assert {"bench/plan.py", "bench/scoring.py", "metrics/evaluate.py"} <= run


OTHER = {"memory/trial.py", "memory/contract.py", "models/contract.py", "inference/segment.py"}  # of other verbs


def test_an_edit_is_another_hash(tmp_path, monkeypatch):
    copy = tmp_path / "vosbench"
    shutil.copytree(hashing.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    before = hashing.source_hash(RUN)
    monkeypatch.setattr(hashing, "PACKAGE", copy)
    assert fresh(RUN) == before
    for name, counts in (("datasets/davis.py", True), ("bench/plan.py", True), ("cli/verbs/run.py", False)):
        source = (copy / name).read_text()
        (copy / name).write_text("# edited\n" + source)
        assert (fresh(RUN) != before) == counts
        (copy / name).write_text(source)


def fresh(*modules: str) -> str:
    return hashing.source_hash.__wrapped__(*modules)  # past the cache


def test_imports_count_wherever_they_stand_and_whatever_they_look_like(tmp_path, monkeypatch):
    files = {
        "start": "import vosbench.plain as known\n\ndef late():\n  from vosbench.parts.late import (\n    one,\n  )\n",
        "plain": 'TABLE = {"lazy": "vosbench.lazy:Thing"}\nif TABLE: import vosbench.hasty\n',
        "lazy": "from vosbench.parts import inner\nfrom numpy import array\nfrom vosbench.policies import own\n",
        "hasty": "from vosbench \\\n    import split\n",
        **dict.fromkeys(("split", "parts/__init__", "parts/late", "parts/inner", "parts/other", "policies/own"), ""),
        "stranger": "import vosbench.start\n",
    }
    monkeypatch.setattr(hashing, "PACKAGE", tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text)
    left_out = {"parts/other", "policies/own", "stranger"}
    assert names("vosbench.start") == {f"{name}.py" for name in files.keys() - left_out}
    assert len({fresh(f"vosbench.{name}") for name in ("start", "plain", "stranger")}) == 3


def test_reading_the_import_lines_alone_misses_nothing():
    """Of all files of this project, tests with sources in texts among them."""
    for file in (file for folder in ("vosbench", "policies", "tests") for file in Path(folder).rglob("*.py")):
        source = file.read_bytes()
        statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert {*map(ast.dump, statements)} <= {*map(ast.dump, hashing._import_statements(source))}, file


def test_a_module_is_hashed_once(monkeypatch):
    before = hashing.source_hash(SCORES)
    monkeypatch.setattr(hashing, "closure", lambda *_: pytest.fail("hashed again"))
    assert hashing.source_hash(SCORES) == before
