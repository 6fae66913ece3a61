"""Predictions as the protocol stores them: probabilities times 255, truncated to 8 bits."""

from __future__ import annotations

import numpy as np

from densemoe.params.errors import InputError


def quantise(probability: np.ndarray, name: str = "prediction") -> np.ndarray:
    """8-bit map, uint8 [H,W], of probabilities, float [H,W] in [0, 1]; an uint8 map is returned as it is.

    The product is taken in float32 and truncated, as for the maps that `evaluate.boundary_maps` writes. `name` is how
    errors call the map. Raises InputError for another shape or type, NaN, and values outside [0, 1].
    """
    probability = _plane(probability, name)
    if probability.dtype == np.uint8:
        return probability
    if probability.dtype.kind != "f":
        raise InputError(f"{name}: values are {probability.dtype}; expected uint8, or float probabilities.")
    _refuse_nan(probability, name)
    low, high = float(probability.min()), float(probability.max())
    if low < 0 or high > 1:
        raise InputError(f"{name}: values from {low:g} to {high:g}; expected probabilities from 0 to 1, or uint8.")
    return (probability.astype(np.float32) * np.float32(255)).astype(np.uint8)


def quantise_logits(logits: np.ndarray, name: str = "prediction") -> np.ndarray:
    """8-bit map, uint8 [H,W], of the sigmoid of logits, float [H,W]. Raises InputError as `quantise`."""
    logits = _plane(logits, name)
    if logits.dtype.kind != "f":
        raise InputError(f"{name}: logits are {logits.dtype}; expected float.")
    _refuse_nan(logits, name)
    # exp of minus the magnitude cannot overflow
    small = np.exp(-np.abs(logits.astype(np.float64)))
    return quantise((np.where(logits >= 0, 1.0, small) / (1.0 + small)).astype(np.float32), name)


def _plane(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not values.size:
        raise InputError(f"{name}: shape {values.shape}; expected one map [height, width] that is not empty.")
    return values


def _refuse_nan(values: np.ndarray, name: str) -> None:
    if np.isnan(values).any():
        raise InputError(f"{name}: {int(np.isnan(values).sum())} values are NaN; expected numbers.")
