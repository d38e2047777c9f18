"""MCP: servers of tools that the user has set up. The only room that knows the SDK.

`entries.py`, `names.py`, `schemas.py`, `forms.py` are plain data; `servers.py` keeps the servers and
`tools.py` makes tools of what they offer. `connection.py` is the one that imports the SDK (and what
imports it: `stdio.py`, `http.py`, `oauth.py`, `results.py`): it is loaded when a server is configured,
in a thread, by its name.
"""
