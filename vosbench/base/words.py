"""Words that go with numbers."""


def data_title(name: str, split: str, frame_mode: str) -> str:
    """`davis2017 val, frames 480p`; a data set that shows its frames in one way has no name for it."""
    return f"{name} {split}" + (f", frames {frame_mode}" if frame_mode else "")


def duration(seconds: float) -> str:
    """`42 s`, `3 min`, `2 h 10 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def count(number: int, noun: str) -> str:
    """`1 sequence`, `2 sequences`, `3 passes`, `4 strategies`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeou":
        return f"{number} {noun[:-1]}ies"
    return f"{number} {noun}" + ("es" if noun.endswith("s") else "s")
