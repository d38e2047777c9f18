"""Task documents: a file `*.roo.md` as the whole user interface (interface section 7).

`form` is how such a text is read, `front_matter` its settings, `events` how a task is told in it,
`asking` what waits for the user in it. `weaving` puts new lines among lines that somebody types in,
without touching theirs. `sheet` is one open document; `service` is all of them, joined to a session.
The rest is what an editor shows of it: `completion`, `hover`, `outline`, `actions`, `problems`.
"""
