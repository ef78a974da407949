"""Words that go with numbers."""


def data_title(name: str, split: str, frame_mode: str) -> str:
    """`davis2017 val, frames 480p`; a data set that shows its frames in one way has no name for it."""
    return f"{name} {split}" + (f", frames {frame_mode}" if frame_mode else "")


def count(number: int, noun: str) -> str:
    """`1 sequence`, `2 sequences`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
