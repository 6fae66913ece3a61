"""Measuring a trained model: the pixel metrics, and the boundary maps that the boundary score is computed from."""
