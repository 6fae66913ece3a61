"""MATLAB files with the same bytes on every run."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

_HEADER_TEXT = 116  # bytes of free text at the start of a version 5 file; SciPy puts the time of day there


def write_mat(path: Path, variables: dict[str, Any]) -> None:
    """Write a compressed version 5 .mat file with a fixed header text."""
    buffer = io.BytesIO()
    savemat(buffer, variables, do_compression=True)
    data = bytearray(buffer.getvalue())
    data[:_HEADER_TEXT] = b"MATLAB 5.0 MAT-file, written by densemoe".ljust(_HEADER_TEXT)
    path.write_bytes(bytes(data))


def struct_array(rows: list[dict[str, Any]]) -> np.ndarray:
    """A 1 x N struct array; every row has the same fields in the same order. No row: the empty 0 x 0 matrix."""
    if not rows:
        return np.zeros((0, 0))
    out = np.empty((1, len(rows)), dtype=[(name, object) for name in rows[0]])
    for k, row in enumerate(rows):
        for name, value in row.items():
            out[name][0, k] = value
    return out
