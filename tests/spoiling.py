"""Ways to spoil a picture."""

from PIL import Image

from vosbench.images import read_labels, write_labels


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def make_folder(path):
    path.unlink()
    path.mkdir()


def relabel(path, change):
    write_labels(path, change(read_labels(path)))


def anti_alias(path):
    with Image.open(path) as picture:
        white = picture.convert("L").point(lambda label: 255 if label else 0)
    white.resize((16, 12), Image.Resampling.BILINEAR).resize((64, 48), Image.Resampling.BICUBIC).save(path)


def recolour(path):
    with Image.open(path) as picture:
        picture.convert("RGB").save(path)
