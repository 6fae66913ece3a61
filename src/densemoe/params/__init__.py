"""What is run: the typed grammar of variants and tables, and the compiled plan. Imports no torch."""
