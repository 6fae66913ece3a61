"""What changed between two commits, per table: metrics, costs, options of runs, verdicts, code.

`revisions` reads git, `snapshot` reads one state of the repository, `compare` compares two of them (a pure function),
`text` and `markdown` say the result.
"""
