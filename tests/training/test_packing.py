"""Packed data: read again like the folders that it came from, smaller, and the same every time."""

import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from vosbench.datasets.files import MASKS
from vosbench.datasets.folder import Folder
from vosbench.errors import VosbenchError
from vosbench.images import read_labels, read_rgb, read_size, write_labels
from vosbench.training.augment import StaticAugmentation
from vosbench.training.packing import pack, unpack
from vosbench.training.static import StaticClips


@pytest.fixture
def data(tmp_path, pairs):
    shutil.copytree(pairs, tmp_path / "data/static/set")
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / "data/video" / kind / "one").mkdir(parents=True)
    for t in range(3):
        mask = np.zeros((80, 120), np.uint8)
        mask[20:40, 10 * t + 10 : 10 * t + 30] = 7
        picture = cv2.GaussianBlur(np.random.default_rng(t).integers(0, 255, (80, 120, 3)).astype(np.uint8), (0, 0), 3)
        assert cv2.imwrite(str(tmp_path / "data/video/JPEGImages/one" / f"{t:05d}.jpg"), picture)
        write_labels(tmp_path / "data/video/Annotations/one" / f"{t:05d}.png", mask)
    return tmp_path / "data"


def test_what_is_packed_comes_out(data, tmp_path):
    size = pack([data / "static", data / "video"], tmp_path / "data.tar", shorter=40, quality=90)
    assert size == (tmp_path / "data.tar").stat().st_size
    unpack(tmp_path / "data.tar", tmp_path / "there")
    assert len(StaticClips(tmp_path / "there/static/set", 32, StaticAugmentation())) == 3
    video = Folder(tmp_path / "there/video", "all")
    assert video.sequence_names() == ("one",)
    frame, mask = (
        tmp_path / f"there/video/{name}" for name in ("JPEGImages/one/00001.webp", "Annotations/one/00001.png")
    )
    assert read_size(frame) == read_size(mask) == (40, 60)
    assert set(np.unique(read_labels(mask))) == {0, 7}
    before = cv2.resize(read_rgb(data / "video/JPEGImages/one/00001.jpg"), (60, 40), interpolation=cv2.INTER_AREA)
    assert np.abs(read_rgb(frame).astype(int) - before).mean() < 4
    pack([data / "static", data / "video"], tmp_path / "again.tar", shorter=40, quality=90)
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "data.tar").read_bytes()


def test_what_cannot_be_read_is_left_out(data, tmp_path):
    (data / "video/JPEGImages/one/00002.jpg").write_bytes(b"no picture")
    (data / "video/Annotations/one/00000.png").unlink()
    (data / "static/set/images/bb.png").unlink()
    (data / "static/set/masks/d.jpg").write_bytes(b"a JPEG does not keep ids")
    with pytest.warns(UserWarning, match="3 pictures or masks are left out: ") as caught:
        pack([data / "static", data / "video"], tmp_path / "data.tar")
    said = str(caught[0].message)
    assert "static/set/masks/bb.png, static/set/masks/d.jpg, video/JPEGImages/one/00002.jpg" in said
    assert "no picture has its name" in said
    unpack(tmp_path / "data.tar", tmp_path / "there")
    assert sorted(path.name for path in (tmp_path / "there/video").rglob("*.*")) == ["00001.png", "00001.webp"]


def test_faults(data, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(VosbenchError, match="no pictures with masks"):
        pack([tmp_path / "empty"], tmp_path / "empty.tar")
    with pytest.raises(VosbenchError, match=r"no pictures with masks below .*empty$") as caught:
        pack([data / "static", tmp_path / "empty"], tmp_path / "empty.tar")
    assert caught.value.hint.startswith("pictures and masks lie in ")
    assert not (tmp_path / "empty.tar").exists()
    for place in ("data", "data/static/set/images/a.png/data.tar"):
        with pytest.raises(VosbenchError, match="cannot write"):
            pack([data / "static", data / "video"], tmp_path / place)
    (tmp_path / "broken.tar").write_bytes(b"x" * 600)
    with pytest.raises(VosbenchError, match="cannot unpack") as caught:
        unpack(tmp_path / "broken.tar", tmp_path / "there")
    assert "\n" not in caught.value.message
    with pytest.raises(VosbenchError, match=r"no folder .*absent"):
        pack([data / "static", data / "absent"], tmp_path / "data.tar")
    with pytest.raises(VosbenchError, match="have one name"):
        pack([data / "static", data / "static"], tmp_path / "data.tar")
    pack([data / "static"], tmp_path / "data.tar")
    whole = (tmp_path / "data.tar").read_bytes()
    for length in (len(whole) - 200, len(whole) // 2, 100, 0):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        with pytest.raises(VosbenchError, match="cannot unpack"):
            unpack(tmp_path / "cut.tar", tmp_path / "elsewhere")
        assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("size", [(39, 56), (56, 40), (80, 112)])
def test_a_mask_of_another_size_is_named_and_left_out(data, tmp_path, size):
    write_labels(data / "static/set/masks/bb.png", np.ones(size, np.uint8))
    height, width = size
    said = rf"1 pictures .* left out: static/set/images/bb\.png \(.*masks/bb\.png .* is {width}x{height} pixels, its "
    with pytest.warns(UserWarning, match=said + "frame 56x40"):
        pack([data / "static"], tmp_path / "data.tar")
    unpack(tmp_path / "data.tar", tmp_path / "there")
    for kind in ("images", "masks"):
        assert sorted(path.stem for path in (tmp_path / "there/static/set" / kind).iterdir()) == ["a", "ccc"]


def test_where_nothing_is_left_what_was_there_stays(data, tmp_path):
    (tmp_path / "data.tar").write_bytes(b"before")
    for name in ("a", "bb", "ccc"):
        write_labels(data / f"static/set/masks/{name}.png", np.ones((9, 9), np.uint8))
    with pytest.raises(VosbenchError, match=r"no pictures with masks below .*: static/set/.* is 9x9 pixels"):
        pack([data / "static"], tmp_path / "data.tar")
    assert (tmp_path / "data.tar").read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "data.tar"]


@pytest.mark.parametrize("suffix", sorted(MASKS))
def test_masks_of_every_format_that_is_read(data, tmp_path, suffix):
    for path in (data / "static/set/masks").iterdir():
        Image.open(path).save(path.with_suffix(suffix.upper()))
        path.unlink()
    pack([data / "static"], tmp_path / "data.tar")
    unpack(tmp_path / "data.tar", tmp_path / "there")
    for name in ("a", "bb", "ccc"):
        labels = read_labels(tmp_path / f"there/static/set/masks/{name}.png")
        assert np.array_equal(labels, read_labels(data / f"static/set/masks/{name}{suffix.upper()}"))


def test_two_files_of_one_name_are_refused(data, tmp_path):
    shutil.copy(data / "static/set/masks/a.png", data / "static/set/masks/a.bmp")
    with pytest.raises(VosbenchError, match=r"frame a is in .* twice"):
        pack([data / "static"], tmp_path / "data.tar")


def test_texts_for_paths_a_link_and_the_folder_that_one_stands_in(data, tmp_path, monkeypatch):
    (data / "link").symlink_to(data / "static")
    (data / "video/static").symlink_to(data / "static")
    for folder, name in (
        (".", "static/set"),
        ("set", "set"),
        ("../link", "link/set"),
        ("../video", "video/static/set"),
    ):
        monkeypatch.chdir(data / "static")
        pack([folder], str(tmp_path / "data.tar"))
        unpack(str(tmp_path / "data.tar"), str(tmp_path / "there"))
        assert len(StaticClips(tmp_path / "there" / name, 32, StaticAugmentation())) == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shorter": 0}, "shorter must be at least 16 pixels, not 0"),
        ({"shorter": -320}, "shorter must be at least 16 pixels, not -320"),
        ({"shorter": 0.5}, "shorter must be of type int, not 0.5"),
        ({"quality": 0}, "quality must be at least 1, not 0"),
        ({"quality": 101}, "quality must be at most 100, not 101"),
        ({"folders": "static"}, "folders must be a list of Path, not 'static'"),
        ({"folders": []}, "no pictures with masks below no folder"),
    ],
)
def test_values_that_make_no_sense(data, tmp_path, wrong, message):
    with pytest.raises(VosbenchError) as caught:
        pack(**{"folders": [data / "static"], "target": tmp_path / "data.tar", **wrong})
    assert caught.value.message == message
    assert not (tmp_path / "data.tar").exists()


def test_pictures_of_which_none_can_be_read(data, tmp_path):
    for picture in (data / "static/set/images").iterdir():
        picture.write_bytes(picture.read_bytes()[:40])
    with pytest.raises(VosbenchError, match=r"with masks below .*: static/set/images/a\..* is left out: ") as caught:
        pack([data / "static"], tmp_path / "data.tar")
    assert caught.value.hint == "repair the files"


def test_masks_of_which_none_holds_an_object(data, tmp_path):
    for path in (data / "static/set/masks").iterdir():
        write_labels(path, np.zeros(read_size(path), np.uint8))
    with pytest.raises(VosbenchError, match="no mask of static holds an object"):
        pack([data / "static"], tmp_path / "data.tar")
    assert not (tmp_path / "data.tar").exists()
