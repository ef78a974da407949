"""Frames and masks as people have them: what is sound is read, what is not is refused in words that are true."""

import re
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from vosbench.errors import VosbenchError
from vosbench.images import check_size, read_labels, read_rgb, read_size


@pytest.fixture(scope="module")
def rgb() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (7, 7), 0)


def encoded(rgb: np.ndarray, kind: str, **options: object) -> bytes:
    file = BytesIO()
    Image.fromarray(rgb).save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int, thumbnail: bytes = b"") -> bytes:
    """The EXIF of a frame, with the whole JPEG of a thumbnail in it."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes() + thumbnail


def with_restarts(rgb: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2])[1].tobytes()


JPEGS = {
    "plain": lambda rgb: encoded(rgb, "JPEG"),
    "progressive": lambda rgb: encoded(rgb, "JPEG", progressive=True),
    "with restart markers": with_restarts,
    "with a thumbnail": lambda rgb: encoded(rgb, "JPEG", exif=exif(1, encoded(rgb[::4, ::4], "JPEG"))),
    "grey": lambda rgb: encoded(rgb[..., 0], "JPEG"),
}
AFTERWARDS = {"nothing": b"", "zeros": bytes(5000), "text": b"\r\nuploaded", "another JPEG, as from phones": None}


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_a_whole_jpeg_is_read_whatever_follows_it(tmp_path: Path, rgb: np.ndarray, kind: str, afterwards: str) -> None:
    data, more = JPEGS[kind](rgb), AFTERWARDS[afterwards]
    path = tmp_path / "00000.jpg"
    path.write_bytes(data + (data if more is None else more))
    np.testing.assert_array_equal(read_rgb(path), np.array(Image.open(BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("share", [0.7, 0.9, 0.999])
def test_a_jpeg_without_its_end_is_truncated(tmp_path: Path, rgb: np.ndarray, kind: str, share: float) -> None:
    data = JPEGS[kind](rgb)
    path = tmp_path / "00000.jpg"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VosbenchError, match=r"frame .*00000.jpg is truncated"):
        read_rgb(path)


def test_the_end_of_a_thumbnail_is_not_the_end(tmp_path: Path, rgb: np.ndarray) -> None:
    """A file cut soon after its thumbnail: its last bytes hold the mark of an end."""
    data = JPEGS["with a thumbnail"](rgb)
    cut = data.index(b"\xff\xd9") + 20
    (tmp_path / "0.jpg").write_bytes(data[:cut])
    with pytest.raises(VosbenchError, match="is truncated"):
        read_rgb(tmp_path / "0.jpg")


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_is_read_as_opencv_reads_it(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(4)
    for height, width in ((48, 64), (37, 51)):
        rgb = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3)).astype(np.uint8), (5, 5), 0)
        (tmp_path / "0.jpg").write_bytes(data := JPEGS[kind](rgb))
        expected = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        np.testing.assert_array_equal(read_rgb(tmp_path / "0.jpg"), expected)


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("length", [200, 400])
def test_damage_within_a_jpeg_is_seen(tmp_path: Path, rgb: np.ndarray, kind: str, length: int) -> None:
    """A part that was never copied: the decoder would show something else, or grey."""
    data = bytearray(JPEGS[kind](cv2.resize(rgb, (256, 192))))
    start = len(data) - length - 500
    data[start : start + length] = bytes(length)
    (tmp_path / "00000.jpg").write_bytes(data)
    with pytest.raises(VosbenchError, match=r"00000\.jpg is damaged within its data \("):
        read_rgb(tmp_path / "00000.jpg")


def test_data_after_the_last_pixel_may_be_damage(tmp_path: Path, rgb: np.ndarray) -> None:
    data = encoded(rgb, "JPEG")
    (tmp_path / "0.jpg").write_bytes(data[:-2] + b"padded" + data[-2:])
    np.testing.assert_array_equal(read_rgb(tmp_path / "0.jpg"), np.array(Image.open(BytesIO(data))))
    with pytest.raises(VosbenchError, match=r"damaged within its data .* extraneous bytes"):
        read_rgb(tmp_path / "0.jpg", strict=True)


def test_a_jpeg_that_the_fast_decoder_does_not_know_is_read_by_opencv(
    tmp_path: Path, rgb: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("tjDecompressHeader3(): Could not determine subsampling level of JPEG image")

    (tmp_path / "0.jpg").write_bytes(encoded(rgb, "JPEG"))
    expected = read_rgb(tmp_path / "0.jpg")
    monkeypatch.setattr("simplejpeg.decode_jpeg", refuse)
    np.testing.assert_array_equal(read_rgb(tmp_path / "0.jpg"), expected)
    monkeypatch.setattr("vosbench.base.jpeg.simplejpeg", None)  # not installed
    np.testing.assert_array_equal(read_rgb(tmp_path / "0.jpg"), expected)


FORMATS = {"PNG": {}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".JPEG"])
def test_the_content_says_the_format(tmp_path: Path, rgb: np.ndarray, kind: str, suffix: str) -> None:
    path = tmp_path / f"00000{suffix}"
    path.write_bytes(encoded(rgb, kind, **FORMATS[kind]))
    np.testing.assert_array_equal(read_rgb(path), rgb)
    assert read_size(path) == (48, 64)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, about the file
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_other_formats_are_never_half_read(tmp_path: Path, rgb: np.ndarray, kind: str, share: float) -> None:
    data = encoded(rgb, kind, **FORMATS[kind])
    (tmp_path / "0.png").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VosbenchError, match="not a readable image"):
        read_rgb(tmp_path / "0.png")


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"\xff\xd8\xff\xd9", b"GIF89a", b"RIFF....WEBP"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0.jpg").write_bytes(content)
    with pytest.raises(VosbenchError, match="not a readable image"):
        read_rgb(tmp_path / "0.jpg")


def test_sixteen_bits_of_a_tiff_frame_are_not_cut_off(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 3000, np.uint16)).save(tmp_path / "0.tif")
    with pytest.raises(VosbenchError, match="of more than 8 bits"):
        read_rgb(tmp_path / "0.tif")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(9))
def test_frames_are_as_viewers_show_them(tmp_path: Path, rgb: np.ndarray, kind: str, orientation: int) -> None:
    path = tmp_path / f"00000.{kind.lower()}"
    path.write_bytes(encoded(rgb, kind, exif=exif(orientation), **({"lossless": True} if kind == "WEBP" else {})))
    shown = np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    np.testing.assert_array_equal(read_rgb(path), shown)
    assert read_size(path) == shown.shape[:2]


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, about the file
def test_exif_that_is_broken_turns_nothing(tmp_path: Path, rgb: np.ndarray) -> None:
    path = tmp_path / "0.jpg"
    path.write_bytes(encoded(rgb, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))
    assert read_rgb(path).shape[:2] == read_size(path) == (48, 64)


def test_a_mask_of_a_frame_that_is_shown_turned() -> None:
    with pytest.raises(VosbenchError, match=r"mask m.png is 64x48 pixels, its frame 48x64") as caught:
        check_size((48, 64), (64, 48), "m.png")
    assert "turned as their file says" in caught.value.hint


LABELS = np.arange(48, dtype=np.uint8).reshape(6, 8)


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".bmp", ".tif", ".TIFF"])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_masks_of_lossless_formats_are_read(tmp_path: Path, suffix: str, mode: str) -> None:
    picture = Image.fromarray(LABELS)
    if mode == "P":
        picture.putpalette([value for label in range(256) for value in (255 - label, label, 0)])
    picture.save(tmp_path / f"0{suffix}")
    np.testing.assert_array_equal(read_labels(tmp_path / f"0{suffix}"), LABELS)


def test_masks_are_never_turned(tmp_path: Path) -> None:
    Image.fromarray(LABELS).save(tmp_path / "0.png", exif=exif(6))
    np.testing.assert_array_equal(read_labels(tmp_path / "0.png"), LABELS)


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [("0.jpg", "JPEG", {}), ("0.png", "JPEG", {"quality": 100}), ("0.tif", "TIFF", {"compression": "jpeg"})],
)
def test_masks_that_were_jpegs_are_refused(tmp_path: Path, name: str, kind: str, options: dict[str, object]) -> None:
    (tmp_path / name).write_bytes(encoded(np.kron(LABELS, np.ones((8, 8), np.uint8)), kind, **options))
    with pytest.raises(VosbenchError, match="is a JPEG image, which does not keep ids") as caught:
        read_labels(tmp_path / name)
    assert "PNG" in caught.value.hint


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_hold_ids_up_to_the_limit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"0{suffix}"
    wide = LABELS.astype(np.uint16)
    wide[0, 0] = 255
    Image.fromarray(wide).save(path)
    read = read_labels(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, wide)
    wide[0, 0] = 300
    Image.fromarray(wide).save(path)
    with pytest.raises(VosbenchError, match=r"holds the id 300, but ids go from 1 to 254 \(255 is void\)") as caught:
        read_labels(path)
    assert "number the objects of each video from 1" in caught.value.hint


def test_real_frames_that_are_pngs_by_the_name_of_jpegs(shared: Path) -> None:
    frames = sorted((shared / "data/video/youtubevos_sample/JPEGImages").rglob("*.jpg"))
    assert frames
    assert all(re.match(rb"\x89PNG", path.read_bytes()) for path in frames)
    assert {read_rgb(path).shape for path in frames} == {(180, 320, 3)}
