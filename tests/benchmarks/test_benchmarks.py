"""The benchmarks run: one short round, of which only what does not depend on time is looked at."""

import json
from pathlib import Path

import pytest

from tests.benchmarks.driver import BARE, ROO, Kind, ready
from tests.benchmarks.endpoint import call, endpoint
from tests.benchmarks.measures import DONE, Place, reads

LARGEST_BODY = 16_000


@pytest.mark.parametrize("kind", [ROO, BARE], ids=lambda kind: kind.name)
async def test_a_short_round_runs_on_both_servers(kind: Kind, tmp_path: Path) -> None:
    async with endpoint() as model, ready(kind, tmp_path, model.base_url) as server:
        served, _ = await reads(Place(kind, model, tmp_path), server, 2)
        assert [each.request_in < each.last_out for each in served] == [True] * 3
        assert served[0].size <= LARGEST_BODY

        await model.plays([call("write_to_file", 20, path="small.txt", content="ab\n" * 40), DONE])
        await server.task()
        assert len(await model.served()) == 2
        assert (server.folder / "small.txt").read_text("ascii") == "ab\n" * 40
        values = [json.loads(body)["params"]["value"] for _, body in server.notes]
        assert values
        assert not any("percentage" in value for value in values)
        assert await server.shut_down() > 0
