"""Words that go with numbers."""


def count(number: int, noun: str) -> str:
    """`1 sequence`, `2 sequences`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
