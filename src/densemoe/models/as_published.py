"""Networks run short cuts that leave out work without changing the result; costs are counted without them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

_asked = [False]


@contextmanager
def as_published() -> Iterator[None]:
    """Networks inside do all the operations that their authors describe, on every device."""
    before, _asked[0] = _asked[0], True
    try:
        yield
    finally:
        _asked[0] = before


def runs_as_published(x: Tensor) -> bool:
    """Whether a layer with input x may take no short cut: inside `as_published`, and always on the meta device."""
    return x.is_meta or _asked[0]
