"""What a command may reach: a jail around it where the system has one, and a look at what it changed.

`find_sandbox` in `find.py` is the way in; `ShellRunner` takes what it returns.
"""
