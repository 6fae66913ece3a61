"""Checks of a command's numbers that need no torch."""

from __future__ import annotations

from densemoe.params.errors import InputError


def at_least(minimum: int, **flags: float) -> None:
    """Refuse a flag below `minimum` (also NaN). Raises InputError naming the flag, its value and what is allowed."""
    for name, value in flags.items():
        if not value >= minimum:
            raise InputError(f"--{name.replace('_', '-')} is {value}; allowed is {minimum} or more.")
