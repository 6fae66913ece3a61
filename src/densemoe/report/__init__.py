"""From measured numbers to what a reader sees: tables, index, plan as text. Imports no torch."""
