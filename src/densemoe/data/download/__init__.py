"""Archives of the real data sets: fetched from mirrors, compared, unpacked. Imports no torch."""

from densemoe.data.download.obtain import obtain

__all__ = ["obtain"]
