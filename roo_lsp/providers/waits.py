"""How long an endpoint asks to wait before the next try, wherever it says so. All in seconds."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])", re.IGNORECASE)
_SPELLED = r"((?:\d+(?:\.\d+)?(?:ms|[smhd](?![a-z])))+|\d+(?:\.\d+)? ?(?=sec))"
_IN_WORDS = re.compile(
    # Groq and OpenAI `try again in 1m7.5s`, Azure `retry after 26 seconds`, Gemini `retry in 32.5s`
    rf"(?:try again|retry)\b,? (?:in|after) {_SPELLED}",
    re.IGNORECASE,
)


def asked_by_headers(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After-Ms`, `Retry-After` or a used-up quota ask for; names are in lower case."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after", "").strip()
    found = _number(asked)
    if found is None and asked:
        found = _until(asked, headers.get("date", ""))
    return _until_reset(headers) if found is None else found


def asked_in_body(words: str, facts: Mapping[str, object]) -> float | None:
    """What an error body asks for: in fields of its own (`facts`), else in its words."""
    for name, unit in (("retry_after_ms", 0.001), ("retry_after", 1), ("retry_after_seconds", 1)):
        seconds = _number(facts.get(name))
        if seconds is not None:
            return seconds * unit
    spelled = facts.get("retryDelay")  # google.rpc.RetryInfo
    if isinstance(spelled, str) and (seconds := _duration(spelled)) is not None:
        return seconds
    said = _IN_WORDS.search(words)
    return _duration(said[1]) if said else None


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until the last of the quotas that are used up is there again.

    `X-RateLimit-Reset` (with `-Requests`, `-Tokens`, … or nothing behind it) is a duration (OpenAI,
    Groq), seconds (Azure, Together), or a time since 1970 in seconds (GitHub) or milliseconds
    (OpenRouter). It counts only where `X-RateLimit-Remaining` of the same kind is 0: of a quota
    that has something left it says nothing about this request.
    """
    waits = [
        _reset(value.strip(), headers.get("date", ""))
        for name, value in headers.items()
        if name.startswith("x-ratelimit-reset")
        and _number(headers.get(name.replace("reset", "remaining"))) == 0
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _reset(value: str, now: str) -> float | None:
    number = _number(value)
    if number is None:
        return _duration(value)
    if number < 1e9:
        return number
    since = number / 1000 if number > 1e11 else number
    return max(0.0, since - _now(now).timestamp())


def _number(value: object) -> float | None:
    """A number of seconds or the like, not negative; from JSON or from a header."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _duration(text: str) -> float | None:
    """`7.5s`, `6m0s`, `20ms`, or a bare number of seconds."""
    parts = _DURATION.findall(text)
    if parts:
        return sum(float(count) * _UNITS[unit.lower()] for count, unit in parts)
    return _number(text)


def _until(date: str, now: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(date) - _now(now)).total_seconds())
    except (ValueError, TypeError):
        return None


def _now(date: str) -> datetime:
    """The response's own date, so that a wrong clock here does not matter."""
    try:
        now = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return datetime.now(UTC)
    return now if now.tzinfo else now.replace(tzinfo=UTC)
