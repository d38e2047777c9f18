"""What is known to be harmless: options, operands and subcommands, by program.

`tables/` has the data, `rows.py` says how it is written, `kinds.py`, `sed.py` and `awk.py` what the
forms of values are, and `judge.py` looks at a command.
"""
