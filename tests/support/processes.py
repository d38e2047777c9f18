"""Processes that a test's command started, found by a mark: in a sandbox their numbers are others."""

import psutil


def sleeping(mark: str) -> list[psutil.Process]:
    """The living `sleep MARK`."""
    return [
        each
        for each in psutil.process_iter(["cmdline", "status"])
        if each.info["cmdline"] == ["sleep", mark] and each.info["status"] != psutil.STATUS_ZOMBIE
    ]
