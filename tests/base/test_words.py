"""Amounts of memory as people write them."""

import pytest

from vosbench.base.words import as_size, size_in_bytes
from vosbench.errors import VosbenchError


@pytest.mark.parametrize(
    ("written", "expected"),
    [("4GB", 4 * 10**9), ("1.5 gb", 1_500_000_000), ("500MB", 5 * 10**8), ("2048", 2048), (7, 7), ("3B", 3)],
)
def test_what_people_write(written, expected):
    assert size_in_bytes(written) == expected


@pytest.mark.parametrize("written", ["", "much", "4GiB", "-1GB", "0GB", "4 G B", 0, True])
def test_what_is_no_amount(written):
    with pytest.raises(VosbenchError, match="is no amount of memory") as caught:
        size_in_bytes(written)
    assert "4GB" in caught.value.hint


def test_bytes_for_people():
    assert [as_size(n) for n in (5, 4e3, 2.5e6, 4e9, 7e12)] == ["5.0 bytes", "4.0 KB", "2.5 MB", "4.0 GB", "7000.0 GB"]
