"""What can be checked of a raw data set without a checksum: splits, files, sizes, content, flavour. No torch."""

from densemoe.data.verify.archive import check_archive, check_raw

__all__ = ["check_archive", "check_raw"]
