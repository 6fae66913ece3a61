"""Measurements, each runnable by one command; results go to reports/benchmarks/."""
