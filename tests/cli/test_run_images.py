"""`roo-lsp run --image`: pictures from the command line."""

from base64 import b64encode
from pathlib import Path

import pytest

from tests.cli.runs import run
from tests.support.fake_openai import FakeOpenAI, text
from tests.support.images import gif, png

TAKES = ("--set", "model.supportsImages=true")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "a shot.png").write_bytes(png(4, 3))
    (tmp_path / "b.gif").write_bytes(gif())
    return folder


def urls(fake: FakeOpenAI) -> list[str]:
    content = fake.chats[-1].json["messages"][-1]["content"]
    return [part["image_url"]["url"] for part in content if part["type"] == "image_url"]


async def test_images_go_with_the_prompt_and_with_a_resumed_task(folder: Path) -> None:
    one, two = folder.parent / "a shot.png", folder.parent / "b.gif"
    async with FakeOpenAI() as fake:
        fake.answers(text("Black."), text("Small."))
        ended = await run(
            fake, folder, *TAKES, "--image", str(one), f"--image={two}", "Which colour?"
        )
        assert ended.code == 0, ended
        assert urls(fake) == [
            f"data:image/png;base64,{b64encode(one.read_bytes()).decode()}",
            f"data:image/gif;base64,{b64encode(two.read_bytes()).decode()}",
        ]
        assert "a shot.png" in ended.out
        task_id = ended.out.partition("--resume ")[2].split()[0]
        ended = await run(
            fake, folder, *TAKES, "--resume", task_id, "--image", str(two), "And this?"
        )
        assert ended.code == 0, ended
        assert len(urls(fake)) == 1


async def test_images_that_cannot_be_sent_are_bad_usage(folder: Path) -> None:
    shot = str(folder.parent / "a shot.png")
    async with FakeOpenAI() as fake:
        for flags, words in (
            ((*TAKES, "--image", "none.png", "Look"), "File not found"),
            (("--image", shot, "Look"), "set roo.model.supportsImages to true"),
            ((*TAKES, "--image", shot, "--resume", "x"), "--image: a prompt has to say"),
        ):
            ended = await run(fake, folder, *flags)
            assert ended.code == 2, ended
            assert words in " ".join((ended.out + ended.err).split())
        assert fake.chats == []
