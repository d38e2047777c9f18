"""Task documents as text alone: a file `*.roo.md` that is a task's whole user interface (section 7).

`form` is how such a text is read, `front_matter` its settings, `rendering` how a task is told in it,
`ticks` what waits for the user in it. `inserting` puts new lines among lines that somebody types in,
without touching theirs. `sheet` is one open document, whoever has it open.
"""
