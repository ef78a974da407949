import subprocess
import sys


def test_report_imports_neither_torch_nor_pyplot() -> None:
    code = (
        "import importlib, pkgutil, sys, vosbench.report\n"
        "names = [found.name for found in pkgutil.walk_packages(vosbench.report.__path__, 'vosbench.report.')]\n"
        "list(map(importlib.import_module, names))\n"
        "print(len(names) > 20, {'torch', 'matplotlib.pyplot', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True set()"
