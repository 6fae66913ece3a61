"""Preparation: raw files of a data set -> packed splits. Imports no torch."""

from densemoe.data.prepare.dataset import PREPARE, prepare_dataset

__all__ = ["PREPARE", "prepare_dataset"]
