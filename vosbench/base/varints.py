"""Whole numbers from 0 on as bytes, few for small ones: seven bits a byte, the lowest first, the top bit for "goes on".

This is LEB128, as WebAssembly and DWARF have it; a browser decodes it in a loop of three lines.
"""

import numpy as np


def pack(values: np.ndarray) -> bytes:
    """Numbers, integer [N] from 0 on, as bytes.

    >>> pack(np.array([0, 127, 128, 300])).hex(" ")
    '00 7f 80 01 ac 02'
    """
    values = np.asarray(values, np.uint64)[:, None]
    width = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    rest = values >> np.arange(0, 7 * width, 7, dtype=np.uint64)
    goes_on = np.zeros(rest.shape, bool)
    goes_on[:, :-1] = rest[:, 1:] > 0
    used = np.ones(rest.shape, bool)
    used[:, 1:] = goes_on[:, :-1]
    return bytes(((rest & np.uint64(127)) | goes_on * np.uint64(128)).astype(np.uint8)[used].data)


def unpack(data: bytes) -> np.ndarray:
    """The numbers, int64 [N], that `pack` made bytes of. Raises ValueError if the last one is cut off.

    >>> unpack(bytes.fromhex("007f8001ac02")).tolist()
    [0, 127, 128, 300]
    """
    raw = np.frombuffer(data, np.uint8)
    last = np.flatnonzero(raw < 128)
    if len(raw) and (not len(last) or last[-1] != len(raw) - 1):
        raise ValueError("the last number is cut off")
    starts = np.concatenate([[0], last[:-1] + 1])[: len(last)]
    place = np.arange(len(raw)) - np.repeat(starts, last - starts + 1)
    return np.add.reduceat((raw & 127).astype(np.int64) << 7 * place, starts) if len(raw) else np.zeros(0, np.int64)
