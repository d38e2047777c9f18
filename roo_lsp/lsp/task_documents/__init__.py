"""Task documents in an editor: those that are open, and what it offers in them.

`open_documents` is all of them, joined to what runs tasks. The rest is what an editor shows of them:
`completion`, `hover`, `outline`, `actions`, `problems`.
"""
