"""What the user mentions goes to the model behind their words, however long they think about a question."""

from collections.abc import Callable
from dataclasses import dataclass, field

from roo_lsp.agent.approval import Ask
from roo_lsp.agent.conversation import History
from roo_lsp.agent.events import UserMessageChunk
from roo_lsp.agent.loop import TEXT_CUT_OFF, run_turn
from roo_lsp.agent.mentions import Mentioned
from roo_lsp.agent.messages import Image, UserMessage
from roo_lsp.agent.redaction import Keys
from roo_lsp.agent.summary import request_text
from tests.support.scripted import Rig, ScriptedPolicy, rig, says, tool

PICTURE = Image("image/png", "AAAA")


@dataclass
class Looked:
    """`Mentions` as a test has them."""

    found: Mentioned = field(default_factory=Mentioned)
    heard: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    async def told(self, words: str) -> Mentioned:
        self.heard.append(words)
        self.meanwhile()
        self.meanwhile = lambda: None
        return self.found if "@" in words else Mentioned()


def said(it: Rig) -> list[UserMessage]:
    return [each for each in it.agent.history.messages if isinstance(each, UserMessage)]


async def test_what_is_mentioned_stands_behind_the_words_and_in_their_place_is_a_pointer() -> None:
    it = rig(says("Half", finish="length"), says("Seen."))
    it.agent.mentions = mentions = Looked(Mentioned("See 'a'", "<mentioned>A", (PICTURE,)))
    await run_turn(it.agent)
    it.agent.inbox.append(UserMessage("See @a\n\nPointed: @b", own=6))
    await run_turn(it.agent)
    assert mentions.heard == ["Do it", "See @a"]
    message = said(it)[-1]
    assert message.told == f"{TEXT_CUT_OFF}\n\nSee 'a'\n\nPointed: @b\n\n<mentioned>A"
    assert message.images == (PICTURE,)
    assert it.of(UserMessageChunk)[-1].text == "See @a\n\nPointed: @b"


async def test_what_is_asked_about_first_comes_behind_words_that_are_kept_already() -> None:
    async def rest() -> Mentioned:
        assert [each.told for each in said(it)] == ["'a'"]
        return Mentioned("", "<mentioned>A", (PICTURE,))

    it = rig(says("Seen."), prompt="@a")
    it.agent.mentions = Looked(Mentioned("'a'", rest=rest))
    await run_turn(it.agent)
    assert [each.told for each in said(it)] == ["'a'", "<mentioned>A"]
    assert it.agent.history.first_prompt == said(it)[0]
    notes = request_text(it.agent.history, 100, 10_000)
    assert "## User\n@a\n\n## What the user mentioned there\n" in notes
    assert "## What the user mentioned there\n<mentioned>A" in notes


async def test_what_is_reworded_or_taken_back_while_it_is_looked_up_is_looked_up_anew() -> None:
    it = rig(says("Seen."), prompt="@a")
    inbox = it.agent.inbox

    def reword() -> None:
        inbox[0] = UserMessage("@b")

    it.agent.mentions = mentions = Looked(meanwhile=reword)
    await run_turn(it.agent)
    assert mentions.heard == ["@a", "@b"]
    assert [each.text for each in said(it)] == ["@b"]
    it = rig(says("Seen."), prompt="@a")
    it.agent.mentions = Looked(meanwhile=it.agent.inbox.clear)
    await run_turn(it.agent)
    assert said(it) == []


def test_a_key_is_in_no_part_of_what_is_kept() -> None:
    keys = Keys()
    keys.learn("sk-very-secret")
    history = History(lambda message: None, keys=keys)
    text = "of sk-very-secret"
    history.append(UserMessage(text, shown=text, meant=text))
    [kept] = history.messages
    assert isinstance(kept, UserMessage)
    assert "sk-" not in kept.text + kept.shown + kept.meant


def test_whether_a_read_would_be_asked_about_is_known_before_it_is() -> None:
    looks = tool("look", group="read")
    assert rig(policy=ScriptedPolicy({"read": Ask("it is outside", "")})).agent.gate.asks(looks, ())
    assert not rig().agent.gate.asks(looks, ())
