"""Large answers of services: kept across a kill, shown in the trace, gone with their run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url, text

from orbiter.adapters.blobs.folder import FolderBlobs
from orbiter.adapters.sql.blobs import SqlBlobs
from orbiter.adapters.sql.database import Database
from orbiter.application.ports.blobs import Blobs
from support.commands import serving
from support.counting import Counting
from support.operation import a_flow, begun, call, calling, ended, settings

SMALL, LARGE, LAST = 300_000, 4 * 1024 * 1024 - 1000, 300_001
VALUES: Final = ("runs.inputs", "runs.output", "steps.input", "steps.output", "effects.value")
ROW_MAX: Final = 1000


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Database, Blobs]]:
    """Give a server's database, and where its blobs are."""
    database, file = Database.connect(url), make_url(url).database
    in_folder = url.startswith("sqlite")
    yield database, FolderBlobs(Path(f"{file}-blobs")) if in_folder else SqlBlobs(database)
    await database.close()


async def longest(database: Database) -> int:
    """Return how many characters the longest value in a row has."""
    sizes = list[int]()
    async with database.reading() as transaction:
        for table, column in (each.split(".") for each in VALUES):
            statement: Any = text(f"SELECT max(length({column})) FROM {table}")
            row = await transaction.first(statement, {})
            assert row is not None
            sizes.append(row[0])
    return max(sizes)


async def test_large_answers_outlive_a_kill_and_go_with_their_run(
    url: str, tmp_path: Path, service: Counting
) -> None:
    with serving(tmp_path / "data", **settings(url)) as server:
        async with calling(server) as caller:
            names = {"small": SMALL, "large": LARGE, "last": LAST}
            calls = [call(service, name, f"/bytes/{size}") for name, size in names.items()]
            flow = await a_flow(
                caller,
                *calls,
                call(service, "held", "/held"),
                edges="start > small, small > large, large > held, held > last, last > end",
            )
            run = await begun(caller, flow)
        await asyncio.to_thread(service.until, "/held", 1)
        server.process.kill()
        server.process.wait()
    service.released = True
    with serving(tmp_path / "data", **settings(url)) as server:
        async with calling(server) as caller, opened(url) as (database, blobs):
            shown = await ended(caller, run)
            assert (shown["status"], shown["output"]["body"]) == ("completed", "x" * LAST)
            traced = {step["name"]: step["output"] for step in shown["steps"]}
            assert {name: len(traced[name]["body"]) for name in names} == names
            assert await longest(database) < ROW_MAX
            kept = await blobs.list(f"runs/{run}")
            assert sum(size for _, size in kept) < SMALL + LARGE + LAST + 10_000
            assert [len(page) for page in (kept, await blobs.list())] == [3, 3]
            assert (await caller.delete(f"/runs/{run}")).status_code == 204
            assert await blobs.list() == []
    again = {path: times for path, times in service.paths.items() if times != 1}
    assert again == {"/held": 2}
