import subprocess
import sys


def test_report_imports_neither_torch_nor_pyplot() -> None:
    code = (
        "import sys, vosbench.report.plots.cost, vosbench.report.tables.strategy, vosbench.report.tables.latency\n"
        "print({'torch', 'matplotlib.pyplot'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
