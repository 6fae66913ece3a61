"""Why one mirror did not serve: the next one is tried."""

from __future__ import annotations


class MirrorError(Exception):
    """One mirror, or what it served, is of no use. Its text is a sentence without a full stop."""
