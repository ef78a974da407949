"""Packed data: read again like the folders that it came from, smaller, and the same every time."""

import shutil

import cv2
import numpy as np
import pytest

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
    with pytest.warns(
        UserWarning, match=r"1 pictures cannot be read and are left out: video/JPEGImages/one/00002\.jpg"
    ):
        pack([data / "static", data / "video"], tmp_path / "data.tar")
    unpack(tmp_path / "data.tar", tmp_path / "there")
    assert sorted(path.name for path in (tmp_path / "there/video").rglob("*.*")) == ["00001.png", "00001.webp"]


def test_faults(data, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(VosbenchError, match="no pictures with masks"):
        pack([tmp_path / "empty"], tmp_path / "empty.tar")
    assert not (tmp_path / "empty.tar").exists()
    with pytest.raises(VosbenchError, match="cannot write"):
        pack([data / "static", data / "video"], tmp_path / "absent/data.tar")
    (tmp_path / "broken.tar").write_bytes(b"x" * 600)
    with pytest.raises(VosbenchError, match="cannot unpack"):
        unpack(tmp_path / "broken.tar", tmp_path / "there")
    with pytest.raises(VosbenchError, match=r"no folder .*absent"):
        pack([data / "static", data / "absent"], tmp_path / "data.tar")
    with pytest.raises(VosbenchError, match="have one name"):
        pack([data / "static", data / "static"], tmp_path / "data.tar")
    pack([data / "static"], tmp_path / "data.tar")
    (tmp_path / "cut.tar").write_bytes((tmp_path / "data.tar").read_bytes()[:-200])
    with pytest.raises(VosbenchError, match="cannot unpack"):
        unpack(tmp_path / "cut.tar", tmp_path / "elsewhere")
