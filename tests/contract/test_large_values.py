"""Values too large for rows: they come back as they were, rows stay small, and they go in time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Text, func, select, type_coerce

from orbiter.adapters.blobs.folder import FolderBlobs
from orbiter.adapters.memory.blobs import MemoryBlobs
from orbiter.adapters.sql.blobs import SqlBlobs
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.effects import effects
from orbiter.adapters.sql.large_values import LARGE
from orbiter.adapters.sql.orphans import remove_orphans
from orbiter.adapters.sql.runs import runs
from orbiter.adapters.sql.steps import steps
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.paging import PageRequest
from orbiter.application.ports.blobs import Blobs
from orbiter.application.ports.executions import Recorded
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.ports.storage import Storage
from orbiter.application.retention import Retention
from orbiter.domain.errors import Unavailable
from orbiter.domain.runs import Run, RunStatus, Step
from support.builders import a_run, a_step
from support.clock import START, ManualClock
from support.tenants import Tenant, found, settle

ODD: Final = {"text": "\ud800\0é🚀" * 30_000, "number": 10**300, "order": {"b": 1.0, "a": 1}}
ROW_MAX: Final = 10_000


@dataclass(frozen=True)
class Kept:
    """A storage and where its large values are."""

    storage: SqlStorage
    database: Database
    blobs: Blobs
    beside: Blobs | None

    async def names(self, run_id: str = "") -> list[str]:
        return [name for name, _ in await self.blobs.list(f"runs/{run_id}" if run_id else "runs")]

    async def longest(self) -> int:
        """Return how many characters the largest value in a row has."""
        values = [runs.c.inputs, runs.c.output, steps.c.input, steps.c.output, effects.c.value]
        async with self.database.reading() as transaction:
            found = [
                await transaction.first(select(func.max(_length(each))), {}) for each in values
            ]
        return max(row[0] or 0 for row in found if row)


def _length(column: Any) -> Any:
    return func.length(type_coerce(column, Text))


@pytest.fixture(params=["sqlite", "postgresql", "beside"])
def where(request: pytest.FixtureRequest) -> tuple[str, bool]:
    """A database of each kind, and a folder beside one."""
    beside = request.param == "beside"
    return str(request.getfixturevalue("sqlite_url" if beside else f"{request.param}_url")), beside


@pytest.fixture
async def kept(where: tuple[str, bool], tmp_path: Path) -> AsyncIterator[Kept]:
    """An empty storage."""
    url, beside = where
    database = Database.connect(url)
    if beside:
        folder = FolderBlobs(tmp_path / "blobs")
        yield Kept(SqlStorage(database, folder), database, folder, folder)
    else:
        yield Kept(SqlStorage(database), database, SqlBlobs(database), None)
    await database.close()


@pytest.fixture
async def owner(kept: Kept) -> Tenant:
    """A workspace with something in it."""
    return await settle(kept.storage)


def large(mark: Any = "") -> str:
    return f"{mark}{'x' * LARGE}"


async def filled(kept: Kept, owner: Tenant, mark: str = "", **changes: Any) -> tuple[Run, Step]:
    """Store a run, a step and a recorded effect, each value of them large."""
    given = {"inputs": {"in": large(mark)}, "output": large(f"out {mark}"), **changes}
    run = a_run(owner.project, workflow_id=owner.workflow.id, **given)
    step = replace(a_step(run), input=[large(f"step {mark}")], output=ODD)
    async with kept.storage.open(owner.id) as uow:
        await uow.runs.add(run)
        await uow.runs.put_steps([step])
        assert await uow.executions.record(run.id, Recorded(key="k", value=large("effect")))
    return run, step


async def test_they_come_back_wherever_they_are_read(kept: Kept, owner: Tenant) -> None:
    run, step = await filled(kept, owner)
    async with kept.storage.open(owner.id, reading=True) as uow:
        assert await uow.runs.get(run.id) == run
        assert (await uow.runs.page(PageRequest(), RunFilter())).items == [run]
        assert await uow.runs.step(run.id, step.id) == step
        assert (await uow.runs.steps(run.id, PageRequest())).items == [step]
        assert (await uow.runs.step(run.id, step.id)).output["order"] == {"b": 1.0, "a": 1}
        recorded = await uow.executions.recorded(run.id)
        assert recorded == {"k": Recorded(key="k", value=large("effect"))}
        assert await uow.credentials.unended_runs() == [run]
    assert await kept.longest() < ROW_MAX
    assert len(await kept.names(run.id)) == 5


async def test_what_an_executor_records_comes_back(kept: Kept, owner: Tenant) -> None:
    run = await owner.stored(kept.storage, "runs")
    outcomes = [(run.id, Recorded(key=key, value=large(key))) for key in "ab"]
    async with kept.storage.open("") as uow:
        await uow.executions.add(run.id, owner.id, executor_id="e", interpreter=1, due_at=START)
        assert await uow.executions.record_all("e", outcomes) == [each for _, each in outcomes]
        again = [(run.id, Recorded(key="a", value=large("another")))]
        assert await uow.executions.record_all("e", again) == [outcomes[0][1]]
    async with kept.storage.open("", reading=True) as uow:
        assert await uow.executions.recorded(run.id) == {each.key: each for _, each in outcomes}
    assert await kept.longest() < ROW_MAX


async def test_bytes_count_and_small_values_stay_in_their_rows(kept: Kept, owner: Tenant) -> None:
    most = "é" * (LARGE // 2 - 1)  # and two quotes
    run = await owner.stored(kept.storage, "runs", inputs={"blob": "runs/x"}, output=most)
    assert await kept.names() == []
    async with kept.storage.open(owner.id) as uow:
        await uow.runs.save(replace(run, output=f"{most}é"))
    assert len(await kept.names(run.id)) == 1
    async with kept.storage.open(owner.id) as uow:
        assert (await uow.runs.get(run.id)).output == f"{most}é"
        await uow.runs.save(run)
    assert await found(kept.storage, owner.id, "runs", run.id) == run


async def test_a_value_is_put_once_however_often_its_row_is_written(
    kept: Kept, owner: Tenant
) -> None:
    run, _ = await filled(kept, owner, output=None)
    names = await kept.names(run.id)
    async with kept.storage.open(owner.id) as uow:
        assert await uow.runs.advance(run.start(at=START))
        assert await uow.runs.advance(run.complete(run.inputs, at=START))
    assert await kept.names(run.id) == names
    ended = await found(kept.storage, owner.id, "runs", run.id)
    assert (ended.inputs, ended.output) == (run.inputs, run.inputs)


async def test_runs_are_found_by_the_beginning_of_large_values(
    kept: Kept, owner: Tenant, storage: Storage, tenant: Tenant
) -> None:
    values = {"inputs": {"in": f"Début {large()} fin"}, "output": f"Start {large()} end"}
    for one, who in ((kept.storage, owner), (storage, tenant)):
        run = await who.stored(one, "runs", **values)
        for q, expected in (("début", [run]), ("start x", [run]), ("fin", []), ("end", [])):
            async with one.open(who.id, reading=True) as uow:
                page = await uow.runs.page(PageRequest(), RunFilter(q=q))
            assert page.items == expected
        assert await found(one, who.id, "runs", run.id) == run


async def test_they_go_with_their_run(kept: Kept, owner: Tenant) -> None:
    (run, _), (other, step) = await filled(kept, owner), await filled(kept, owner)
    async with kept.storage.open(owner.id) as uow:
        await uow.runs.remove(run.id)
    assert await kept.names(run.id) == []
    async with kept.storage.open(owner.id) as uow:
        assert await uow.runs.get(other.id) == other
        assert await uow.runs.step(other.id, step.id) == step


async def test_they_go_with_their_project(kept: Kept, owner: Tenant) -> None:
    stranger = await settle(kept.storage)
    waiting, _ = await filled(kept, owner)
    await filled(kept, owner, started_at=START, finished_at=START, status=RunStatus.COMPLETED)
    other, _ = await filled(kept, stranger)
    async with kept.storage.open(owner.id) as uow:
        assert await uow.projects.empty(owner.project.id) == [waiting]
        await uow.projects.remove(owner.project.id)
    assert await kept.names() == await kept.names(other.id) != []


async def test_they_go_when_their_run_has_been_kept_long_enough(kept: Kept, owner: Tenant) -> None:
    run, _ = await filled(kept, owner, output=None)
    waiting, _ = await filled(kept, owner)
    async with kept.storage.open(owner.id) as uow:
        await uow.runs.advance(run.start(at=START).complete(large("done"), at=START))
    clock = ManualClock(START + timedelta(days=31))
    assert await Retention(kept.storage, clock, 30).sweep() == 1
    assert await kept.names() == await kept.names(waiting.id) != []


async def test_what_is_rolled_back_leaves_every_row_whole(kept: Kept, owner: Tenant) -> None:
    run, step = await filled(kept, owner)
    for work in (_remove, _overwrite):
        with pytest.raises(KeyError):
            async with kept.storage.open(owner.id) as uow:
                await work(uow, run)
                raise KeyError
    async with kept.storage.open(owner.id) as uow:
        assert await uow.runs.get(run.id) == run
        assert await uow.runs.step(run.id, step.id) == step


async def _remove(uow: Any, run: Run) -> None:
    await uow.runs.remove(run.id)


async def _overwrite(uow: Any, run: Run) -> None:
    await uow.runs.save(replace(run, output=large("never")))


async def test_what_nobody_names_is_swept_and_nothing_else(kept: Kept, owner: Tenant) -> None:
    run, step = await filled(kept, owner)
    gone = a_run(owner.project)
    for name in (f"runs/{gone.id}/a", f"runs/{gone.id}/b", f"artifacts/w/{gone.id}/c", "runs0"):
        await kept.blobs.put(name, b"x")
    before = await kept.names(run.id)
    await remove_orphans(kept.database, kept.beside)
    assert await kept.names() == before
    assert len(await kept.blobs.list()) == len(before) + 2
    assert await found(kept.storage, owner.id, "runs", run.id) == run


async def test_a_value_whose_blob_is_missing_is_an_outage_and_no_other_value(
    kept: Kept, owner: Tenant
) -> None:
    run, step = await filled(kept, owner)
    await kept.blobs.remove(f"runs/{run.id}")
    async with kept.storage.open(owner.id, reading=True) as uow:
        for work in (
            uow.runs.get(run.id),
            uow.runs.step(run.id, step.id),
            uow.runs.page(PageRequest(), RunFilter()),
            uow.executions.recorded(run.id),
        ):
            with pytest.raises(Unavailable, match="can't be read"):
                await work


class Stuck(MemoryBlobs):
    """A store that takes nothing, or removes nothing."""

    def __init__(self, *, full: bool) -> None:
        super().__init__()
        self.full = full

    async def put(self, name: str, data: bytes) -> None:
        if self.full:
            raise Unavailable("The blob store is full")
        await super().put(name, data)

    async def remove(self, *prefixes: str) -> None:
        raise Unavailable("The blob store does not answer")


async def test_a_full_store_keeps_the_row_from_being_written(sqlite_url: str) -> None:
    storage = SqlStorage(Database.connect(sqlite_url), Stuck(full=True))
    owner = await settle(storage)
    with pytest.raises(Unavailable, match="full"):
        await owner.stored(storage, "runs", output=large())
    await owner.stored(storage, "runs", output="small")
    assert (await owner.listed(storage, "runs")).total == 1
    await storage.close()


async def test_a_run_is_deleted_though_its_blobs_stay_for_a_while(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    stuck = Stuck(full=False)
    storage = SqlStorage(Database.connect(sqlite_url), stuck)
    owner = await settle(storage)
    run = await owner.stored(storage, "runs", output=large())
    async with storage.open(owner.id) as uow:
        await uow.runs.remove(run.id)
    assert (await owner.listed(storage, "runs")).total == 0
    assert "left behind" in caplog.text
    assert len(await stuck.list("runs")) == 1
    await storage.close()
