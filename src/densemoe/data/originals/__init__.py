"""The original sources of the two data sets: what of the archives' content can be made from them, and what cannot."""

from densemoe.data.originals.rebuild import rebuild
from densemoe.data.originals.survey import Finding, survey

__all__ = ["Finding", "rebuild", "survey"]
