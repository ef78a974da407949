"""What is not there, or is not what it should be, a page says; and it shows what is there."""

import shutil
from dataclasses import replace

from layouts import HOSTILE

from vosbench.bench.record import Failure, read_run
from vosbench.memory.trace import MemoryTrace
from vosbench.report.pages.build import build
from vosbench.report.pages.sequence import make_page


def test_what_is_not_there_is_said(traced_run, tmp_path, source):
    shutil.copytree(traced_run, tmp_path / "copy")
    folder = tmp_path / "copy"
    path = next(folder.glob("run/records/every*/ant.npz"))
    MemoryTrace((3, 4), (0, 0, 4, 3), 6, bytes([0, 0] * 6)).write(path)  # of another run
    page = make_page(source(folder))
    assert page.notes == [
        "There is no trace of the memory of every-k:k=2: the same `vosbench run` with --keep-memory-trace leaves one, "
        "which shows what was held at each frame."
    ]
    mask = next(folder.glob("run/masks/every*/ant/00002.png"))
    content = mask.read_bytes()
    mask.write_bytes(content[:60])
    page = make_page(source(folder))
    assert page.faults == page.notes[:1]
    assert page.notes[0].startswith("There are no masks of every-k:k=2: ")
    assert "every-k:k=2" not in page.data["masks"]
    assert len(page.data["masks"]) == 4  # of the others
    mask.unlink()
    path.write_bytes(path.read_bytes()[:100])
    page = make_page(source(folder))
    assert "The trace of the memory of every-k:k=2 is damaged" in page.notes[0]
    assert "does not have the mask" in page.notes[1]
    assert page.data["objects"][0]["in_video"]
    assert len(page.data["shown"]) == 6
    told = []
    build({folder / "run": read_run(folder / "run")}, tmp_path / "report", jobs=1, tell=told.append)
    (line,) = told
    assert line.startswith("run: ant: The trace of the memory of every-k:k=2 is damaged")
    assert line.endswith("(and 1 more, which the report names)")
    assert "does not have the mask" in (tmp_path / "report/index.html").read_text()
    alone = make_page(source(folder, records=(next(r for r in source(folder).records if r.policy.name == "every-k"),)))
    assert (alone.faults[1], alone.data["masks"]) == (page.faults[1], {})  # frames and truth stay
    assert (len(alone.files), len(alone.data["truth"]), len(alone.data["events"])) == (6, 6, 2)
    shutil.rmtree(folder / "run/masks")
    published = make_page(source(folder))
    assert published.faults == page.faults[:1]
    assert "There are no masks: published results have none." in published.notes
    assert len(published.files) == 6
    page = make_page(source(folder, root=tmp_path / "nowhere"))
    assert page.notes[1].endswith("(say where the data set is now, with --root).")


def test_other_data_under_the_same_names_gives_no_pictures(traced_run, tmp_path):
    other = shutil.copytree(traced_run / "DAVIS", tmp_path / "other")
    for kind in ("JPEGImages", "Annotations"):
        shutil.rmtree(other / kind / "480p/ant")
        shutil.copytree(other / kind / "480p" / HOSTILE, other / kind / "480p/ant")
    told = []
    out = tmp_path / "report"
    build({traced_run / "run": read_run(traced_run / "run")}, out, root=other, jobs=1, tell=told.append)
    why = f"There are no pictures: {other} holds other frames or masks than the run had under the same names"
    assert [line.partition(" (")[0] for line in told] == [f"run: ant: {why}"]
    assert why in (out / "sequences/2.html").read_text()
    assert '"masks"' not in (out / "sequences/2/data.js").read_text()
    assert '"masks"' in (out / "sequences/1/data.js").read_text()  # the other sequence is that of the run


def test_what_failed_is_on_its_page(traced_run, tmp_path):
    def failed(record, cause):
        why = Failure("out of memory", 3, 0, cause=cause)
        return replace(record, masks=None, scores=None, timings=(), memory=None, unscored=None, failure=why)

    records = [
        failed(record, "sequence" if record.sequence == HOSTILE else "strategy")
        if record.sequence == HOSTILE or record.policy.name == "random"
        else record
        for record in read_run(traced_run / "run")
    ]
    build({traced_run / "run": records}, tmp_path / "report", jobs=1)
    html = (tmp_path / "report/index.html").read_text()
    assert "random:capacity=1.5,every=1 (failed)" in html
    assert "PARTIAL" in html
    data = (tmp_path / "report/sequences/2/data.js").read_text()
    assert '"kind":"failed","failure":"out of memory"' in data
    assert '"masks":{"every-k:k=2"' in data
    faulty = (tmp_path / "report/sequences/1.html").read_text()
    assert "There are no curves of J and F: out of memory." in faulty
    assert "There are no masks: no strategy has finished this sequence." in faulty
    assert (tmp_path / "report/sequences/1/0.webp").exists()  # what is there
