"""The papers' tables against themselves: which printed numbers fit together, re-derived from the declared tables."""
