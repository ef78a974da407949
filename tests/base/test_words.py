"""Amounts of memory as people write them."""

import pytest

from vosbench.base.words import as_size, size_in_bytes
from vosbench.errors import VosbenchError


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        *((text, 4 * 10**9) for text in ("4GB", "4G", "4g", "4 GB", "4gb", "4000MB", 4 * 10**9)),
        *((text, 2**32) for text in ("4GiB", "4 gib", "4096MiB")),
        *(("1.5 gb", 1_500_000_000), ("500MB", 5 * 10**8), ("2048B", 2048), ("3 B", 3)),
    ],
)
def test_what_people_write(written, expected):
    assert size_in_bytes(written) == expected


@pytest.mark.parametrize("written", ["", "much", "4Gi", "-1GB", "0GB", "4 G B", 0, True, "4iB"])
def test_what_is_no_amount(written):
    with pytest.raises(VosbenchError, match="is no amount of memory") as caught:
        size_in_bytes(written)
    assert "4GB" in caught.value.hint


@pytest.mark.parametrize("written", ["1", 4, "4000000000", "2.5"])
def test_a_unit_that_may_be_forgotten(written):
    """One byte is no memory that anybody wants."""
    with pytest.raises(VosbenchError, match=f"'?{written}'? has no unit: bytes, MB or GB") as caught:
        size_in_bytes(written)
    assert f"{written}{'B' if len(str(written)) > 3 else 'GB'}" in caught.value.hint


def test_bytes_for_people():
    assert [as_size(n) for n in (5, 4e3, 2.5e6, 4e9, 7e12)] == ["5.0 bytes", "4.0 KB", "2.5 MB", "4.0 GB", "7000.0 GB"]
