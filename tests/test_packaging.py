"""The wheel: everything that is needed is in it, and it works where there is no checkout."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def call(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the checkout stays clean; by the setuptools that is here, so that it works offline."""
    source = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("vosbench", "policies"):
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, source)
    folder = tmp_path_factory.mktemp("wheel")
    pip = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    done = call(sys.executable, *pip, "--wheel-dir", folder, source, cwd=folder)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("vosbench-*.whl")
    return path


def test_the_wheel_holds_all_modules_all_strategies_and_the_weights(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    folders = ("vosbench/models/weights", "vosbench/training/configs", "vosbench/bench/suites")
    data = [path for folder in folders for path in (ROOT / folder).iterdir()]
    files = [
        *(ROOT / "vosbench").rglob("*.py"),
        *(ROOT / "vosbench").glob("bench/*.json"),
        ROOT / "vosbench/report/paper.csv",
    ]
    pages = ROOT / "vosbench/report/pages"
    files += [*data, *pages.glob("assets/*"), *pages.glob("templates/*")]
    expected = {path.relative_to(ROOT).as_posix() for path in files}
    expected |= {f"vosbench/policies/{path.name}" for path in (ROOT / "policies").glob("*.py")}
    assert {"vosbench/policies/lfu.py", "vosbench/models/weights/stcn-tiny.safetensors"} <= expected
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert {name.split("/")[0].split("-")[0] for name in names} == {"vosbench"}  # and no top-level `policies`


def test_the_installed_wheel_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile")
    done = call(sys.executable, *pip, "--target", site, wheel, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    listed = call(sys.executable, site / "bin/vosbench", "list", "policies", cwd=tmp_path, PYTHONPATH=str(site))
    assert (listed.returncode, listed.stderr) == (0, "")
    names = {path.stem.replace("_", "-") for path in (ROOT / "policies").glob("[!_]*.py")}
    assert {line.split()[0] for line in listed.stdout.splitlines()} == names >= {"lfu"}

    told = call(sys.executable, site / "bin/vosbench", "--version", cwd=tmp_path, PYTHONPATH=str(site))
    code = "import vosbench; print('vosbench', vosbench.__version__)"
    assert told.stdout == call(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(site)).stdout
    assert told.stdout == f"vosbench {wheel.name.split('-')[1]}\n"

    code = (
        "from importlib.util import find_spec\n"
        "print(find_spec('policies'), find_spec('vosbench.policies.lfu').origin, sep='\\n')"
    )
    found = call(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(site))
    assert found.stdout.splitlines() == ["None", str(site / "vosbench/policies/lfu.py")], found.stderr
    assert (site / "vosbench/models/weights/stcn-tiny.safetensors").stat().st_size > 1_000_000


@pytest.mark.parametrize("package", ["torch", "numpy", "skimage", "pandas", "cv2", "joblib", "tabulate"])
def test_the_core_packages_are_used(package: str) -> None:
    importing = re.compile(rf"^\s*(from|import) {package}\b", re.MULTILINE)
    assert any(importing.search(path.read_text()) for path in (ROOT / "vosbench").rglob("*.py"))
