"""A real small run with traces, a sequence and a strategy of hostile names, and its report; and a browser for it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from layouts import HOSTILE, HOSTILE_LABEL, write_small_davis

from vosbench.bench.record import read_record, read_run
from vosbench.bench.runner import run
from vosbench.bench.suite import Suite
from vosbench.memory.spec import PolicySpec
from vosbench.report.pages.build import build
from vosbench.report.pages.sequence import Source

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def traced_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `DAVIS`, of which a sequence has a hostile name, `run`, a run on it with traces, and `report`."""
    folder = tmp_path_factory.mktemp("traced")
    root = write_small_davis(folder / "DAVIS")
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / "480p/bee").rename(root / kind / "480p" / HOSTILE)
    (root / "ImageSets/2017/val.txt").write_text(f"ant\n{HOSTILE}\n")
    policies = (
        "every-k:k=2",
        "random:capacity=1.5,every=1",
        replace(PolicySpec.parse("latest-only"), label=HOSTILE_LABEL),
    )
    run(Suite("davis2017", root, policies=policies, keep_memory_trace=True), folder / "run")
    build({folder / "run": read_run(folder / "run")}, folder / "report", jobs=1)
    return folder


@pytest.fixture(scope="session")
def source() -> Callable[..., Source]:
    """source(folder, sequence="ant", **changed): what a page of the run in such a folder is made of."""

    def build(folder: Path, sequence: str = "ant", **changed: Any) -> Source:
        records = tuple(r for r in read_run(folder / "run") if r.sequence == sequence)
        files = folder.glob(f"run/records/*/{sequence}.npz")
        traces = {read_record(path.with_suffix(".json")).policy.label: path for path in files}
        return replace(Source(folder / "run", sequence, records, traces), **changed)

    return build


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium, which is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    """visit(page of a report): the page in the browser, offline. Afterwards nothing was complained of, and nothing was
    asked for that is not in the folder of the report.
    """
    context = browser.new_context(offline=True, viewport={"width": 1300, "height": 2600})
    page, wrong, asked, folders = context.new_page(), [], [], []
    ours = "Canvas2D: Multiple readback"  # a test looks at what is drawn
    page.on("console", lambda message: message.text.startswith(ours) or wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    aborted = "net::ERR_ABORTED"  # since a link was followed
    page.on("requestfailed", lambda request: request.failure == aborted or wrong.append(request.url))

    def go(folder: Path, path: str) -> Any:
        folders.append(folder.as_uri())
        page.goto(f"{folder.as_uri()}/{path}")
        page.wait_for_load_state("networkidle")
        return page

    yield go
    context.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith((*folders, "data:"))] == []
