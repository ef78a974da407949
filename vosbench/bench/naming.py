"""Names in the folder of a run: that of a strategy is readable, the same in every run, and safe on all systems."""

import hashlib
import unicodedata
from pathlib import Path, PurePath

from vosbench.bench.record import PolicyInfo
from vosbench.memory import grammar

PLAIN = set("_-=,.()+ ")  # beside letters and digits
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}  # by Windows
UNSCORED = ".unscored"  # how the name of a record ends whose masks are not scored yet: it is no result
LONGEST = 120  # bytes; a file system takes 255


def plain(text: str) -> str:
    """The text with `-` for every character that a name on disk might not hold."""
    return "".join(c if c.isalnum() or c in PLAIN else "-" for c in text)


def folder_name(policy: PolicyInfo) -> str:
    """`lfu_capacity=2`, `idea.py_k=3` for `./idea.py:k=3`, or the label.

    A short hash of the text follows where the name cannot hold all of it: a folder, an unusual character, a capital
    letter, which some file systems do not tell from a small one, or too many characters.
    """
    if policy.label != policy.spec:
        text = wish = policy.label
        exact = True
    else:
        text, written = policy.spec, grammar.read(policy.spec)
        head = PurePath(written.name)
        wish = text.replace(written.name, head.name, 1).replace(":", "_", 1)
        exact = head.name == str(head) and wish == wish.casefold()
    name = plain(unicodedata.normalize("NFC", wish)).encode()[:LONGEST].decode(errors="ignore").strip(" .")
    if not name or name.partition(".")[0].strip().casefold() in RESERVED:
        name = f"_{name}"
    if exact and name == wish:
        return name
    return f"{name}-{hashlib.blake2b(text.encode(errors='surrogateescape'), digest_size=3).hexdigest()}"


def record_files(run: Path) -> list[Path]:
    """The records in the folder of a run, also those whose masks are not scored yet."""
    return sorted(path for suffix in (".json", UNSCORED) for path in (run / "records").glob(f"*/*{suffix}"))
