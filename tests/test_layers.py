"""The architecture: imports go down only, what needs no torch does not load it, and only the command line prints."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the bottom up: a folder, or a module at the top, is one unit. A module may import its own unit and lower ones;
# units of one rank never see each other.
LAYERS = (
    ("vosbench.errors",),
    ("vosbench.base",),
    ("vosbench.video_file",),
    ("vosbench.images",),
    ("vosbench.video",),
    ("vosbench.datasets", "vosbench.models", "vosbench.metrics"),
    ("vosbench.memory",),
    ("vosbench.policies", "vosbench.inference"),
    ("vosbench.simulation", "vosbench.masks"),
    ("vosbench.bench",),
    ("vosbench.report",),
    ("vosbench.training",),
    ("vosbench.cli",),
    ("vosbench.__main__",),
)
RANK = {unit: rank for rank, units in enumerate(LAYERS) for unit in units}
BELOW_STRATEGIES = {"vosbench.memory", "vosbench.memory.attention", "vosbench.video"}
WITHOUT_TORCH = (
    "vosbench.datasets",
    "vosbench.metrics",
    "vosbench.report",
    "vosbench.masks.score",
    "vosbench.masks.check",
    "vosbench.masks.export",
    "vosbench.cli",
)


def modules() -> dict[str, Path]:
    """Every module of the package by its name, the strategies under theirs."""
    found = {}
    for folder, name in ((ROOT / "vosbench", "vosbench"), (ROOT / "policies", "vosbench.policies")):
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join((name, *parts)).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def unit(module: str) -> str | None:
    """The longest unit that a module belongs to."""
    parts = module.split(".")
    return next((name for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in RANK), None)


def imports(source: str) -> list[str]:
    """Every imported module, or name of one, wherever in the source it stands."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def faults(module: str, source: str) -> list[str]:
    """The imports by which a module breaks the layers."""
    own, wrong = unit(module), []
    for name in imports(source):
        top, other = name.split(".")[0], unit(name)
        if own == "vosbench.policies":
            allowed = top in {"torch", *sys.stdlib_module_names} or (
                other in BELOW_STRATEGIES and not name.startswith(("vosbench.memory.registry", "vosbench.memory.spec"))
            )
        elif top == "policies" or name == "vosbench":
            allowed = False
        elif own == "vosbench.report" and other == "vosbench.bench":
            allowed = name.startswith("vosbench.bench.record.")  # a report knows what was measured, not how
        elif name.startswith("vosbench.models.stcn") and own not in {"vosbench.models", "vosbench.training"}:
            allowed = False  # a network is known by what vosbench.models.base says of it
        else:
            allowed = top != "vosbench" or (other is not None and (other == own or RANK[other] < RANK[own]))
        if not allowed:
            wrong.append(name)
    return wrong


def test_every_module_has_its_place() -> None:
    assert len(MODULES) > 60
    assert [module for module in MODULES if unit(module) is None] == ["vosbench"]
    assert set(map(unit, MODULES)) - {None} == set(RANK)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"vosbench"}))
def test_imports_go_down(module: str) -> None:
    assert faults(module, MODULES[module].read_text()) == []


def test_the_surface_imports_nothing_until_it_is_used() -> None:
    tree = ast.parse(MODULES["vosbench"].read_text())
    direct = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [node.module for node in direct] == ["importlib", "typing"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("vosbench.errors", "import vosbench.images"),
        ("vosbench.datasets.davis", "from vosbench.metrics import boundary"),
        ("vosbench.metrics.frame", "def f():\n    from vosbench import masks"),
        ("vosbench.memory.bank", "from vosbench.inference.timing import StageClock"),
        ("vosbench.memory.policy", "import vosbench.policies.lfu"),
        ("vosbench.inference.propagate", "import vosbench.simulation"),
        ("vosbench.report.tables.strategy", "import vosbench.bench.runner"),
        ("vosbench.masks.score", "if True:\n    from vosbench.cli import options"),
        ("vosbench.bench.plan", "import vosbench"),
        ("vosbench.policies.fifo", "from vosbench.policies.lfu import LFU"),
        ("vosbench.policies.fifo", "from vosbench.memory.spec import load_policy"),
        ("vosbench.policies.fifo", "import numpy"),
        ("vosbench.policies.fifo", "from vosbench.models.stcn.network import STCN"),
        ("vosbench.bench.runner", "import policies.lfu"),
        ("vosbench.inference.propagate", "from vosbench.models.stcn.network import STCN"),
        ("vosbench.cli.work", "import vosbench.models.stcn.network"),
    ],
)
def test_a_breach_is_seen(module: str, source: str) -> None:
    assert faults(module, source)


def test_what_needs_no_torch_does_not_load_it() -> None:
    names = sorted(module for module in MODULES if module.startswith(WITHOUT_TORCH))
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules:\n"
        "        sys.exit(f'{name} loads torch')"
    )
    done = subprocess.run([sys.executable, "-c", code, *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("module", sorted(module for module in MODULES if unit(module) not in LAYERS[-2] + LAYERS[-1]))
def test_only_the_command_line_prints_and_exits(module: str) -> None:
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Call)
    }
    assert not calls & {"print", "exit", "sys.exit", "sys.stdout.write", "sys.stderr.write"}


def test_what_takes_long_is_loaded_where_ctrl_c_is_one_line() -> None:
    code = "import sys, vosbench.cli; sys.exit(f'{slow} is loaded' if (slow := 'typer') in sys.modules else 0)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_verb_waits_for_statistics() -> None:
    code = (
        "import sys, vosbench.cli.app; sys.exit(f'{slow} is loaded' if (slow := 'scipy.stats') in sys.modules else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
