"""The report of a real small run in a browser: what a reader sees is what the run wrote, and nothing else is loaded."""

import re

import numpy as np
import pytest
from layouts import HOSTILE, HOSTILE_LABEL

from vosbench.bench.record import read_run
from vosbench.images import read_labels
from vosbench.memory.trace import MemoryTrace
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import select
from vosbench.report.pages.build import build
from vosbench.report.pictures.overlay import COLOURS, CONTOURS

RANDOM = "random:capacity=1.5,every=1"
PIXELS = """(canvas) => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.height, canvas.width, [...new Uint32Array(pixels.data.buffer)]];
}"""

INSIDE = """() => [...document.querySelectorAll("#board .point")].map((point) => {
    const [mine, cell] = [point, point.closest("td")].map((element) => element.getBoundingClientRect());
    return cell.left <= mine.left && mine.right <= cell.right;
})"""  # whether each point of the intervals lies in its cell

READY = "#where:not(:empty)"  # the scrubber has begun


def column(page, number):
    return page.locator(f"#board tbody td:nth-child({number})").all_inner_texts()


def row_of(page, label):
    return next(row for row in page.locator("#viewer .row").all() if row.get_attribute("data-label") == label)


def pixels(canvas):
    height, width, values = canvas.evaluate(PIXELS)
    return np.array(values, "<u4").view(np.uint8).reshape(height, width, 4).astype(int)


def test_the_leaderboard_sorts_and_compares(traced_run, visit):
    page = visit(traced_run / "report", "index.html")
    assert page.locator("h1").inner_text() == "run"
    headings = [text.split(" ↕")[0].strip() for text in page.locator("#board th").all_inner_texts()]
    place = headings.index("J&F")
    for wanted in (True, False):  # the best first, then the other way round
        page.locator("#board th").nth(place).get_by_role("button").click()
        values = [float(text) for text in column(page, place + 1)]
        assert len(values) == 8
        assert values == sorted(values, reverse=wanted)
    page.locator("#board th").nth(0).get_by_role("button").click()
    names = column(page, 1)
    assert names[0] == HOSTILE_LABEL  # < comes before letters
    assert names[1:] == sorted(names[1:], key=str.casefold)
    assert all(name.endswith("(paper)") for name in page.locator("tr.paper td:first-child").all_inner_texts())
    assert page.locator("tr.paper").count() == 3  # the data set is the paper's
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate(INSIDE) == [True] * 7  # of 8 rows: a control stands below the scale

    page.locator("#baseline").select_option(RANDOM)
    entrants = {entrant.label: entrant for entrant in select({"run": read_run(traced_run / "run")})}
    (expected,) = differences([(entrants[RANDOM], entrants["every-k:k=2"])])
    row = page.locator("#board tbody tr").filter(has_text="every-k:k=2")
    assert float(row.locator(".gain").inner_text().replace("−", "-")) == pytest.approx(100 * expected.mean, abs=0.006)
    assert page.locator("tr.baseline").inner_text().startswith(RANDOM)

    fits = "(table => table.parentElement.scrollWidth <= table.parentElement.clientWidth)(board)"
    assert page.evaluate(fits)  # in 1300 pixels
    assert page.locator("summary").inner_text() == "Columns (3 hidden)"
    assert not page.locator("#board th").nth(headings.index("J decay")).is_visible()
    whole = page.locator("body").inner_text()
    assert [whole.count(said) for said in ("protocol davis2017/1", "top-20")] == [1, 1]  # conditions stand once

    page.locator("summary").click()
    page.get_by_label("J decay").check()
    assert page.locator("#board th").nth(headings.index("J decay")).is_visible()
    page.get_by_label("J mean").uncheck()
    assert not page.locator("#board th").nth(headings.index("J mean")).is_visible()
    for image in page.locator(".figures img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("async (image) => (await image.decode(), image.naturalWidth)") > 0


@pytest.mark.parametrize(
    ("sequence", "keys"),
    [("ant", {"End": 5, "ArrowLeft": 4}), (HOSTILE, {"Home": 0, "ArrowRight": 1, "Shift+ArrowRight": 5})],
)
def test_the_scrubber_shows_what_the_run_wrote(sequence, keys, traced_run, visit):
    page = visit(traced_run / "report", "index.html")
    page.locator("#sequences a", has_text=sequence).click()
    page.locator(READY).wait_for()
    assert page.locator("h1").inner_text() == sequence
    run = traced_run / "run"
    masks = {record.policy.label: record for record in read_run(run) if record.sequence == sequence}
    folders = {"every-k:k=2": "every-k_k=2", RANDOM: "random_capacity=1.5,every=1"}
    folders[HOSTILE_LABEL] = next(p.name for p in (run / "masks").iterdir() if p.name.startswith("-textarea"))
    assert masks.keys() >= folders.keys()
    for key, frame in keys.items():
        page.keyboard.press(key)
        assert page.locator("#where").inner_text() == f"frame {frame} of 0 to 5 ({frame:05d})"
        page.locator(f".row[data-step='{frame}']").nth(2).wait_for()  # what is in sight is drawn
        truth = read_labels(traced_run / f"DAVIS/Annotations/480p/{sequence}/{frame:05d}.png")
        assert_drawn(pixels(page.locator(".base canvas").nth(1)), truth)
        for label, folder in folders.items():
            row = row_of(page, label)
            written = read_labels(run / "masks" / folder / sequence / f"{frame:05d}.png")
            assert_drawn(pixels(row.locator("canvas").nth(0)), written)
            assert ((pixels(row.locator("canvas").nth(1))[..., 3] > 200) == (written != truth)).all()
            trace = MemoryTrace.read(run / "records" / folder / f"{sequence}.npz")
            assert_remembered(row, trace, frame)
    assert page.locator("img[src=x]").count() == 0


def assert_drawn(found, labels):
    """Every pixel of an object has its colour, lighter on the contour; the rest shows the frame."""
    padded = np.pad(labels, 1, "edge")
    beside = [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]]
    inner = np.logical_and.reduce([labels == other for other in beside])
    assert found.shape[:2] == labels.shape
    assert (found[..., 3] == np.where(labels == 0, 0, np.where(inner, 128, 255))).all()
    expected = np.where(inner[..., None], COLOURS[labels], CONTOURS[labels])
    assert np.abs(found[..., :3] - expected)[labels > 0].max(initial=0) <= 1  # a canvas rounds what shines through


def assert_remembered(row, trace, frame):
    held = next(held.copy() for t, held in enumerate(trace.held()) if t == frame)
    chips = row.locator(".held button").evaluate_all("(all) => all.map(({ dataset: d }) => [+d.frame, +d.tokens])")
    assert chips == [[t, int(places.sum())] for t, places in enumerate(held) if places.any()]
    drawn = pixels(row.locator("canvas").nth(2))
    assert drawn.shape[:2] == trace.grid
    assert ((drawn[..., 0] > 200) == (held.sum(0) > 0)).all()
    assert drawn[..., 3].max() <= 0.52 * 255  # the picture below stays visible
    shares = drawn[..., 3][held.sum(0) > 0]
    assert 0.1 * 255 < shares.min() <= shares.max() <= 0.4 * 255
    assert (np.diff(shares[np.argsort(held.sum(0)[held.sum(0) > 0], kind="stable")]) >= 0).all()


def test_chips_show_the_dash_of_their_curve_and_panels_wait_in_light(traced_run, visit):
    page = visit(traced_run / "report", "sequences/2.html")
    page.set_viewport_size({"width": 1300, "height": 300})
    page.reload()
    drawn = page.locator("#strategies label line").evaluate_all(
        "(all) => all.map((line) => [line.getAttribute('stroke'), line.getAttribute('stroke-dasharray')])"
    )
    assert len(set(map(tuple, drawn))) == len(drawn) == 5
    assert len({dash for _, dash in drawn}) == 4
    row = page.locator(".row").nth(2)
    assert row.get_attribute("data-step") is None  # not drawn yet
    assert (
        row.locator(".picture").first.evaluate("(one) => getComputedStyle(one).backgroundColor") == "rgb(227, 229, 232)"
    )
    assert row.locator("figcaption").nth(1).inner_text() == "difference to truth"


def test_the_axis_of_latency_leaves_a_slow_first_frame_out(traced_run, visit):
    page = visit(traced_run / "report", "sequences/2.html")
    assert page.evaluate("report.top([[900, 10, 12, 11], [800, 20, 20, 20]])") == 20
    assert page.evaluate("report.top([[10, 20, 30, 40]])") == 40  # what grows is shown whole
    assert page.evaluate("report.top([[7]])") == 7


def test_the_places_of_one_frame_are_shown(traced_run, visit):
    page = visit(traced_run / "report", "sequences/2.html#frame=4")
    page.locator(".row[data-step='4']").nth(2).wait_for()
    row, trace = row_of(page, RANDOM), traced_run / "run/records/random_capacity=1.5,every=1/ant.npz"
    held = next(held.copy() for t, held in enumerate(MemoryTrace.read(trace).held()) if t == 4)
    frame = next(t for t, places in enumerate(held) if 0 < places.sum() < 12)
    row.locator(f".held button[data-frame='{frame}']").click()
    assert ((pixels(row.locator("canvas").nth(2))[..., 0] > 200) == (held[frame] > 0)).all()
    assert row.locator("img").nth(2).get_attribute("src") == f"2/{frame}.webp"


def test_it_plays_and_failures_lead_to_their_frame(traced_run, visit):
    page = visit(traced_run / "report", "index.html")
    link = page.locator("a.moment").first
    frame, object_id = re.search(r"#frame=(\d+)&object=(\d+)", link.get_attribute("href")).groups()
    link.click()
    page.locator(READY).wait_for()
    assert page.locator("#where").inner_text().startswith(f"frame {frame} of 0 to 5")
    assert page.locator("#object").input_value() == object_id
    assert page.url.endswith(f"#frame={frame}&object={object_id}")
    page.keyboard.press("Home")
    page.locator("#speed").select_option("25")
    page.locator("h1").click()
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "pause"
    page.locator("#where", has_not_text="frame 0 ").wait_for()
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "play"
    page.locator("#events button").first.click()
    assert page.locator("#where").inner_text().startswith("frame 0 ")
    page.locator("#strategies label", has_text="copy-first-mask").click()
    assert row_of(page, "copy-first-mask").is_visible()
    named = "copy-first-mask (control)"  # wherever it stands
    assert row_of(page, "copy-first-mask").locator("h3").inner_text().startswith(named)
    assert named in page.locator("#strategies").inner_text()
    assert named in page.locator("#reference option").all_inner_texts()
    page.locator("#reference").select_option("copy-first-mask")
    assert row_of(page, RANDOM).locator("figcaption").nth(1).inner_text() == f"difference to {named}"
    assert page.locator(".curves canvas").count() == 4


def test_records_alone_give_tables_and_curves(traced_run, visit, tmp_path):
    from vosbench.report.publishing import publish

    publish(traced_run / "run", folder=tmp_path / "published", allow_dirty=True)
    build({tmp_path / "published": read_run(tmp_path / "published")}, tmp_path / "report", jobs=1)
    page = visit(tmp_path / "report", "sequences/1.html")
    notes = page.locator(".note").all_inner_texts()
    assert notes[0].startswith("There are no pictures: data set davis2017 needs a root folder")
    assert "--keep-memory-trace" in notes[1]
    assert "number of the scored frame" in notes[2]
    assert "--timing all" in notes[3]
    assert page.locator(".curves canvas").count() == 3
    assert not page.locator("#scrubber").is_visible()
    page.goto(f"{(tmp_path / 'report').as_uri()}/index.html")
    assert page.locator("#board tbody tr:not(.paper)").count() == 5
    assert page.locator("a.moment").count() > 0


def test_keys_do_what_is_said_whatever_was_clicked_before(traced_run, visit):
    page = visit(traced_run / "report", "sequences/2.html")

    def at(key):
        page.keyboard.press(key)
        return int(re.search(r"\d+", page.locator("#where").inner_text())[0])

    assert [at(key) for key in ("ArrowLeft", "End", "ArrowRight", "Home", "Shift+ArrowRight", "Shift+ArrowLeft")] == [
        0, 5, 5, 0, 5, 0
    ]  # fmt: skip
    assert at("Control+ArrowRight") == 0  # the browser's own
    speeds = []
    for key in ("+", "=", "+", "-", "-", "-", "-", "-", "-"):
        page.keyboard.press(key)
        speeds.append(page.locator("#speed").input_value())
    assert speeds == ["25", "25", "25", "10", "5", "2", "1", "1", "1"]
    assert [at(key) for key in ("n", "N", "p")] == [0, 0, 0]  # one event, in the first frame
    page.locator("#strategies input").first.click()  # with a mouse: then keys are the page's again
    page.locator("#forth").click()
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "pause"
    page.locator("#play").click()
    assert page.locator("#play").inner_text() == "play"
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "pause"
    page.keyboard.press(" ")
    page.locator("#strategies input").first.focus()  # with the keyboard: then space is the box's own
    page.keyboard.press(" ")
    assert (page.locator("#strategies input").first.is_checked(), page.locator("#play").inner_text()) == (True, "play")
    assert (at("Home"), at("ArrowRight")) == (0, 1)
    page.locator("#reference").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("#reference").input_value() == "every-k:k=2"
    assert at("ArrowUp") == 1
