"""Answers that bring a turn no further: nothing at all, an announcement, the same words for ever."""

import re

SAY_SOMETHING = (
    "(Your last answer was empty. Go on with the task by a call, or, if it is done, say what was done "
    "and what came of it.)"
)
MAKE_THE_CALL = (
    "(You said what you are going to do, but made no call, and an answer without a call ends your "
    "turn. Do it now by a call; if there is nothing to do, give your answer.)"
)
STOP_REPEATING = (
    "(Your last answer was stopped: it repeated the same text over and over. Do not go on with it. Take "
    "the next step by a call, or give a short answer.)"
)

# --- announcements --------------------------------------------------------------------------------

SHORT = 400
"""Characters above which an answer is more than an announcement."""

_BEGINS = (
    r"(?:(?:ok(?:ay)?|sure|great|alright|perfect|got it|certainly|of course|now|first|next|then|so|and"
    r"|i understand|understood)\b[\s,.!:\u2014-]*)*"
)
_VERB = (
    r"(?:now |first |start by |begin by |quickly |just |then |also |go ahead and |need to |take a )*"
    r"(?:look|check|read|examin|explor|inspect|search|start|begin|run|open|find|creat|writ|implement|"
    r"updat|fix|add|mak|review|analy[sz]|list|see|investigat|understand|gather|scan|edit|modif|test|"
    r"verif|try|proceed|continu|get|build|locat|identif|view|study|apply|chang|remov|refactor|debug)"
)
_ANNOUNCES = re.compile(
    rf"{_BEGINS}(?:i['\u2019]ll|i will|i['\u2019]m going to|i am going to|let me|let['\u2019]s|let us|"
    rf"i need to|i should|i have to|i want to|going to) {_VERB}"
    r"|(?:zuerst |nun |jetzt )?(?:ich werde|ich schaue|ich sehe mir|ich lese|lass(?:en sie)? mich|schauen "
    r"wir)\b|je vais |laissez-moi |commen[çc]ons |voy a |vamos a |d[ée]jame |vou |deixe-me "
    r"|(?:сейчас|давайте|сначала) |я (?:посмотрю|проверю|прочитаю|начну)"
    r"|(?:好的?[\uff0c,\u3002]?)?(?:让我|我来|我将|我会|首先|现在)|まず|では、",
    re.IGNORECASE,
)
_NOT_NOW = re.compile(
    r"\b(?:let me know|once you|if you|when you|would you|until you|wait for|unless)\b",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?<=[.!\u3002])\s+|\n+")


def only_announces(text: str) -> bool:
    """True for a short answer whose last sentence says what is done next, to nobody's surprise."""
    text = text.strip()
    if not text or len(text) > SHORT or "```" in text or text.endswith(("?", "\uff1f")):
        return False
    if _NOT_NOW.search(text):
        return False
    last = [each for each in _SENTENCES.split(text) if each.strip()][-1].strip()
    return _ANNOUNCES.match(last) is not None


# --- the same words for ever ----------------------------------------------------------------------

PERIOD = 200
"""Characters that are repeated, at most."""
ROUNDS = 50
"""How often, for an answer that is stopped; arguments may be data, and get twice as much."""
LOOKED_AT = 2_000
"""Characters after which is looked again."""


class Endless:
    """Sees that a text has ended in the same characters over and over; each is looked at a few times."""

    def __init__(self, rounds: int = ROUNDS) -> None:
        self._size = PERIOD * rounds
        self._tail = ""
        self._new: list[str] = []
        self._waiting = 0

    def add(self, text: str) -> bool:
        """Take more of the text; True where it repeats itself."""
        self._new.append(text)
        self._waiting += len(text)
        if self._waiting < LOOKED_AT:
            return False
        self._tail = "".join((self._tail, *self._new))[-self._size :]
        self._new.clear()
        self._waiting = 0
        return len(self._tail) == self._size and _has_period(self._tail)


def _has_period(text: str) -> bool:
    near = text[-2 * PERIOD :]
    at = near.rfind(near[PERIOD:], 0, len(near) - 1)
    period = PERIOD - at
    return at >= 0 and text[period:] == text[:-period]
