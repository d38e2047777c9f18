"""Keys are left out of what is said, whole, in pieces, and wherever in a message they stand."""

from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.messages import AssistantMessage, Rewound, ToolCall, ToolMessage, UserMessage
from roo_lsp.agent.redaction import MARK, Keys

KEY = "sk-canary-0123456789"
OTHER = "sk-canary-0123456789-longer"


def keys(*values: str) -> Keys:
    found = Keys()
    for value in values:
        found.learn(value)
    return found


def test_a_key_is_replaced_wherever_it_stands_the_longer_one_first() -> None:
    known, text = keys(KEY, OTHER), f"a{OTHER}b{KEY}"
    assert known.hidden(text) == f"a{MARK}b{MARK}"
    assert known.hidden_bytes(b"\xff" + text.encode()) == b"\xff" + f"a{MARK}b{MARK}".encode()


def test_what_may_be_a_word_is_no_key() -> None:
    assert keys("secret", "").hidden("a secret") == "a secret"


def test_a_message_without_a_key_stays_the_same_object() -> None:
    message = AssistantMessage("hello", (ToolCall("1", "read_file", '{"path": "a"}'),))
    assert keys(KEY).hidden_from(message) is message
    assert Keys().hidden_from(message) is message
    result = ToolMessage("1", "KEY=")
    assert keys(KEY).hidden_from(result) is result


def test_every_part_of_a_message_is_looked_at() -> None:
    known = keys(KEY)
    call = ToolCall("1", "execute_command", f'{{"command": "echo {KEY}"}}')
    for message in (
        UserMessage(f"My key is {KEY}"),
        ToolMessage("1", f"KEY={KEY}\n"),
        AssistantMessage(KEY, (call,), reasoning=f"It is {KEY}"),
    ):
        assert KEY not in repr(known.hidden_from(message))


def test_what_the_editor_showed_is_looked_at_beside_the_users_words() -> None:
    known = keys(KEY)
    message = UserMessage("Why?", shown=f"KEY={KEY}")
    assert known.hidden_from(message) == UserMessage("Why?", shown=f"KEY={MARK}")
    harmless = UserMessage("Why?", shown="KEY=")
    assert known.hidden_from(harmless) is harmless


def test_the_names_of_known_files_are_looked_at() -> None:
    known = keys(KEY)
    message = ToolMessage("1", "", known=((f"/w/{KEY}.py", "d"), ("/w/a.py", "d")))
    assert known.hidden_from(message).known == ((f"/w/{MARK}.py", "d"), ("/w/a.py", "d"))
    harmless = ToolMessage("1", "", known=(("/w/a.py", "d"),))
    assert known.hidden_from(harmless) is harmless


def test_an_entry_without_words_stays_the_same_object() -> None:
    entry = Rewound(3)
    assert keys(KEY).hidden_from(entry) is entry


def test_json_is_looked_at_in_values_names_and_lists() -> None:
    value = {"a": [{"b": f"x{KEY}"}], KEY: 1, "c": (KEY,), "n": None, "t": True, "f": 0.5}
    hidden = {"a": [{"b": f"x{MARK}"}], MARK: 1, "c": [MARK], "n": None, "t": True, "f": 0.5}
    assert keys(KEY).hidden_in(value) == hidden


@given(st.text(max_size=8), st.integers(0, len(KEY) - 1))
def test_the_beginning_of_a_key_at_the_end_is_told(before: str, size: int) -> None:
    assert keys(KEY).begun(before + KEY[:size]) >= size
    assert keys(KEY).begun(f"{before}{KEY}") == 0


def test_a_mark_that_would_take_a_keys_place_is_noticed() -> None:
    known = keys(KEY)
    before = f"KEY={KEY}\nNAME=a\n"
    assert known.would_be_lost(before, f"KEY={MARK}\nNAME=b\n")
    assert not known.would_be_lost(before, f"KEY={KEY}\nNAME=b\n")
    assert not known.would_be_lost(f"See {MARK}", f"See {MARK} there")
    assert not known.would_be_lost("no key", f"write {MARK} here")
