"""The glue between dvc.yaml, Snakemake and the commands people type. Imports no torch."""
