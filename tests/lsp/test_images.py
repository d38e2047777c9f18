"""Images over LSP: from a prompt, from a file that the model reads, and what is said without support."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from roo_lsp.workspace.images import MAX_BYTES
from tests.support.editor import NEOVIM, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, gated, spoken, text
from tests.support.images import gif, png

PNG = png(640, 480)
BASE64 = b64encode(PNG).decode()
URL = f"data:image/png;base64,{BASE64}"
TAKES = {"model": {"supportsImages": True}}


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        server.always(text("ok"))
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "shot.png").write_bytes(PNG)
    return folder


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "m"}, **more}


def messages(fake: FakeOpenAI, number: int = -1) -> list[dict[str, Any]]:
    return fake.chats[number].json["messages"]


def urls(message: dict[str, Any]) -> list[str]:
    assert isinstance(message["content"], list), message
    return [p["image_url"]["url"] for p in message["content"] if p["type"] == "image_url"]


async def refused(it: FakeEditor, command: str, **argument: Any) -> JsonRpcException:
    with pytest.raises(JsonRpcException) as caught:
        await it.run(command, argument)
    return caught.value


# --- from the user ------------------------------------------------------------------------------


async def test_images_of_a_prompt_reach_the_endpoint_with_their_names(
    fake: FakeOpenAI, folder: Path
) -> None:
    outside = folder.parent / "my shot.gif"
    outside.write_bytes(gif(3, 2))
    images = [(folder / "shot.png").as_uri(), outside.as_uri(), URL]
    async with editor(NEOVIM, folder, settings(fake, **TAKES)) as it:
        await it.start("What is it?", images=images, wait=True)
        said = messages(fake)[1]
        assert spoken(said["content"][0]["text"]) == (
            "What is it?\n\nThe user attaches:\n"
            f"Image 1: shot.png, image/png, 640 x 480, {len(PNG)} bytes\n"
            f"Image 2: {outside}, image/gif, 3 x 2, {len(gif())} bytes\n"
            f"Image 3: image/png, 640 x 480, {len(PNG)} bytes"
        )
        gif_url = f"data:image/gif;base64,{b64encode(gif(3, 2)).decode()}"
        assert urls(said) == [URL, gif_url, URL]


async def test_events_point_to_the_images_and_hold_none(fake: FakeOpenAI, folder: Path) -> None:
    uri = (folder / "shot.png").as_uri()
    async with editor(NEOVIM, folder, settings(fake, **TAKES)) as it:
        task_id = (await it.run("roo.task.start", {"prompt": "Look", "images": [uri, URL]}))[
            "taskId"
        ]
        await it.ended()
        words, link = it.updates("user_message_chunk")
        assert "Image 1: shot.png" in words["content"]["text"]
        assert link["content"] == {
            "type": "resource_link",
            "uri": uri,
            "name": "shot.png",
            "mimeType": "image/png",
            "size": len(PNG),
        }
        assert BASE64[:40] not in json.dumps(it.events)
        shown = await it.run("roo.task.export", {"taskId": task_id, "format": "md"})
        assert "Image 2: image/png, 640 x 480" in shown["text"]
        assert BASE64[:40] not in shown["text"]
        listed = await it.run("roo.task.list")
        assert listed[0]["title"] == "Look"


async def test_a_follow_up_takes_images_while_a_turn_runs(fake: FakeOpenAI, folder: Path) -> None:
    go_on = asyncio.Event()
    fake.answers(gated(text("Wait."), go_on))
    async with editor(NEOVIM, folder, settings(fake, **TAKES)) as it:
        await it.start("Begin")
        await fake.chat(1)
        sent = await it.run("roo.task.send", {"text": "See", "images": [URL]})
        assert sent["queued"] is True
        go_on.set()
        await fake.chat(2)
        await it.ended()
    assert urls(messages(fake)[-1]) == [URL]


async def test_an_answer_to_a_question_is_followed_by_its_images(
    fake: FakeOpenAI, folder: Path
) -> None:
    fake.answers(call("ask_followup_question", {"question": "Which?", "follow_up": []}, id="q"))
    async with editor(NEOVIM, folder, settings(fake, **TAKES)) as it:
        await it.start("Begin")
        await it.event("_question")
        await it.run("roo.task.send", {"text": "This one", "images": [URL]})
        await fake.chat(2)
        await it.ended()
    *_, answer, pictures = messages(fake)
    assert (answer["role"], "This one" in answer["content"]) == ("tool", True)
    assert urls(pictures) == [URL]


async def test_what_is_no_image_is_told_by_field_and_file(fake: FakeOpenAI, folder: Path) -> None:
    (folder / "a.png").write_text("no image")
    (folder / "large.png").write_bytes(png(filler=MAX_BYTES))
    (folder / "half.png").write_bytes(PNG[:20])
    (folder / "sub").mkdir()
    good = (folder / "shot.png").as_uri()
    cases = {
        (folder / "none.png").as_uri(): "File not found",
        (folder / "a.png").as_uri(): "a.png is not an image",
        (folder / "large.png").as_uri(): "large.png is too large",
        (folder / "half.png").as_uri(): "half.png begins as an image (image/png), but is damaged",
        (folder / "sub").as_uri(): "sub is a folder, not a file",
        "file:///dev/zero": "/dev/zero is refused",
        "data:image/png;base64,QUJDRA==": "the data: URI is not an image",
        "data:image/png;base64,%%%": "expected a file: URI, or a data: URI",
        "https://example.com/a.png": "expected a file: URI, or a data: URI",
        "shot.png": "expected a file: URI, or a data: URI",
    }
    async with editor(NEOVIM, folder, settings(fake, **TAKES)) as it:
        for uri, words in cases.items():
            error = await refused(it, "roo.task.start", prompt="Look", images=[good, uri])
            assert error.code == -32602, uri
            assert error.message.startswith("images.1: "), error.message
            assert words in error.message
            assert "list_files" not in error.message
        four = [f"data:image/png;base64,{b64encode(png(filler=5_000_000)).decode()}"] * 5
        error = await refused(it, "roo.task.start", prompt="Look", images=four)
        assert (error.code, error.message[:7]) == (-32602, "images:")
        assert await it.run("roo.task.list") == []
    assert fake.chats == []


async def test_a_model_that_takes_no_images_gets_no_message(fake: FakeOpenAI, folder: Path) -> None:
    profiles = {"eyes": TAKES, "none": {"model": {"contextWindow": 9000}}}
    more: dict[str, Any] = {"profiles": profiles, "modeProfiles": {"ask": "eyes"}}
    async with editor(NEOVIM, folder, settings(fake, **more)) as it:
        error = await refused(it, "roo.task.start", prompt="Look", images=[URL])
        assert (error.code, error.data) == (-32803, {"reason": "images_unsupported"})
        assert "set roo.model.supportsImages to true" in error.message
        error = await refused(it, "roo.task.start", prompt="Look", images=[URL], profile="none")
        assert "set roo.profiles.none.model.supportsImages to true" in error.message
        assert fake.chats == []
        await it.start("Look", images=[URL], profile="eyes", wait=True)
        await it.start("Look", images=[URL], mode="ask", wait=True)
        await it.start("Nothing", wait=True)
        error = await refused(it, "roo.task.send", text="Look", images=[URL])
        assert error.data == {"reason": "images_unsupported"}
    assert [len(urls(messages(fake, at)[1])) for at in (0, 1)] == [1, 1]
    assert len(fake.chats) == 3


async def test_a_task_with_images_goes_on_with_a_model_that_takes_none(
    fake: FakeOpenAI, folder: Path
) -> None:
    profiles = {"eyes": TAKES}
    async with editor(NEOVIM, folder, settings(fake, profiles=profiles)) as it:
        await it.start("Look", images=[URL], profile="eyes", wait=True)
        await it.run("roo.profile.set", {"profile": ""})
        await it.run("roo.task.send", {"text": "And now?"})
        await fake.chat(2)
        await it.ended()
        await it.run("roo.profile.set", {"profile": "eyes"})
        await it.run("roo.task.send", {"text": "And now?"})
        await fake.chat(3)
        await it.ended()
    assert len(urls(messages(fake, 0)[1])) == 1
    assert "[1 image(s) left out" in messages(fake, 1)[1]["content"]
    assert len(urls(messages(fake, 2)[1])) == 1


async def test_images_are_there_after_a_restart(fake: FakeOpenAI, folder: Path) -> None:
    uri = (folder / "shot.png").as_uri()
    async with editor(NEOVIM, folder, settings(fake, **TAKES)) as it:
        task_id = await it.start("Look", images=[uri], wait=True)
    (folder / "shot.png").unlink()
    async with editor(NEOVIM, folder, settings(fake, **TAKES)) as it:
        await it.run("roo.task.resume", {"taskId": task_id, "text": "Again"})
        await fake.chat(2)
        await it.ended()
    assert urls(messages(fake)[1]) == [URL]


# --- from a file that the model reads -----------------------------------------------------------


async def test_an_image_that_is_read_follows_its_result(fake: FakeOpenAI, folder: Path) -> None:
    fake.answers(
        call("read_file", {"path": "shot.png"}, id="c1")
        + call("read_file", {"path": "no"}, id="c2")
    )
    async with editor(NEOVIM, folder, settings(fake, **TAKES)) as it:
        await it.start("What does shot.png show?")
        done = await it.event("tool_call_update", toolCallId="c1", status="completed")
        await it.ended()
        assert done["_meta"]["image"]["mimeType"] == "image/png"
        assert BASE64[:40] not in json.dumps(it.events)
    *_, result, other, pictures = messages(fake)
    assert (result["tool_call_id"], other["tool_call_id"]) == ("c1", "c2")
    assert result["content"].startswith("shot.png is an image: image/png, 640 x 480")
    assert pictures["role"] == "user"
    assert "read_file, call c1" in pictures["content"][0]["text"]
    assert urls(pictures) == [URL]


async def test_whether_an_image_is_read_follows_the_profile(fake: FakeOpenAI, folder: Path) -> None:
    read = call("read_file", {"path": "shot.png"})
    fake.answers(read, text("I cannot see."), read)
    async with editor(NEOVIM, folder, settings(fake, profiles={"eyes": TAKES})) as it:
        await it.start("Look", wait=True)
        result = messages(fake)[-1]
        assert result["role"] == "tool"
        assert "roo.model.supportsImages" in result["content"]
        await it.run("roo.profile.set", "eyes")
        await it.run("roo.task.send", "Now you can")
        await fake.chat(4)
        await it.ended()
        assert urls(messages(fake)[-1]) == [URL]


# --- other settings of the model ----------------------------------------------------------------


async def test_a_model_with_a_prompt_cache_gets_marks(fake: FakeOpenAI, folder: Path) -> None:
    async with editor(NEOVIM, folder, settings(fake, model={"supportsPromptCache": True})) as it:
        await it.start("Hello", wait=True)
        assert (await it.run("roo.status"))["settingsProblems"] == []
    ends = [each["content"][-1]["cache_control"] for each in messages(fake)]
    assert ends == [{"type": "ephemeral"}] * 2


async def test_computer_use_is_refused_in_words(fake: FakeOpenAI, folder: Path) -> None:
    more = settings(fake, model={"supportsComputerUse": True})
    async with editor(NEOVIM, folder, more) as it:
        path = "roo.model.supportsComputerUse"
        await it.until(lambda: any(path in each.message for each in it.client.messages))
        [problem] = (await it.run("roo.status"))["settingsProblems"]
        assert problem["path"] == path
        assert "changes nothing" in problem["problem"]
        await it.start("Hello", wait=True)
    assert len(fake.chats) == 1
