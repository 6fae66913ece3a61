"""Thin commands, one per pipeline stage: parse, call, write."""
