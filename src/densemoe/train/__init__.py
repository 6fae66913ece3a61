"""Training: one straight loop, resumable at any step with the same result."""
