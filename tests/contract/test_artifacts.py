"""Files of runs: kept wherever blobs are, and gone with their run, however that is deleted."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from orbiter.adapters.blobs.folder import FolderBlobs
from orbiter.adapters.memory.blobs import MemoryBlobs
from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.sql.blobs import SqlBlobs
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.orphans import remove_orphans
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.artifacts import FILE_MAX, FILES_MAX, ArtifactError, Artifacts
from orbiter.application.ports.blobs import Blobs
from orbiter.application.ports.storage import Storage
from orbiter.application.retention import Retention
from orbiter.domain.runs import Run
from support.builders import a_run
from support.clock import START, ManualClock
from support.tenants import Tenant, settle


@dataclass(frozen=True)
class Kept:
    """A storage, and where its runs' files are."""

    storage: Storage
    blobs: Blobs
    database: Database | None = None

    @property
    def artifacts(self) -> Artifacts:
        return Artifacts(self.blobs)


@pytest.fixture(params=["memory", "sqlite", "postgresql", "beside"])
def where(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A kind of storage, and the database it needs."""
    kind = str(request.param)
    if kind == "memory":
        return kind, ""
    database = "sqlite" if kind == "beside" else kind
    return kind, str(request.getfixturevalue(f"{database}_url"))


@pytest.fixture
async def kept(where: tuple[str, str], tmp_path: Path) -> AsyncIterator[Kept]:
    """An empty storage of each kind, as it is put together with blobs."""
    kind, url = where
    if kind == "memory":
        blobs = MemoryBlobs()
        yield Kept(MemoryStorage(blobs), blobs)
        return
    database = Database.connect(url)
    folder = FolderBlobs(tmp_path / "blobs") if kind == "beside" else None
    yield Kept(SqlStorage(database, folder), folder or SqlBlobs(database), database)
    await database.close()


@pytest.fixture
async def owner(kept: Kept) -> Tenant:
    """A workspace with something in it."""
    return await settle(kept.storage)


async def ended(kept: Kept, owner: Tenant) -> Run:
    """Return a run that has ended and left a file."""
    run = a_run(owner.project, workflow_id=owner.workflow.id)
    run = run.start(at=START).complete(None, at=START)
    async with kept.storage.open(owner.id) as uow:
        await uow.runs.add(run)
    await kept.artifacts.write(run.id, "deep/file.txt", "content")
    return run


async def files(kept: Kept, run: Run) -> list[tuple[str, int]]:
    return list(await kept.artifacts.list(run.id))


async def test_they_come_back(kept: Kept, owner: Tenant) -> None:
    run, text = await ended(kept, owner), "Grüße \0 🚀\n" * 1000
    await kept.artifacts.write(run.id, "a", text)
    await kept.artifacts.write(run.id, "deep/file.txt", "changed")
    assert await kept.artifacts.read(run.id, "a") == text
    assert await kept.artifacts.read(run.id, "deep/file.txt") == "changed"
    assert await files(kept, run) == [("a", len(text.encode())), ("deep/file.txt", 7)]


async def test_they_go_with_a_run_that_is_deleted(kept: Kept, owner: Tenant) -> None:
    gone, other = await ended(kept, owner), await ended(kept, owner)
    async with kept.storage.open(owner.id) as uow:
        await uow.runs.remove(gone.id)
    assert await files(kept, gone) == []
    assert await files(kept, other) == [("deep/file.txt", 7)]


async def test_they_go_with_a_project_and_with_time(kept: Kept, owner: Tenant) -> None:
    run = await ended(kept, owner)
    async with kept.storage.open(owner.id) as uow:
        await uow.projects.empty(owner.project.id)
    assert await files(kept, run) == []
    run = await ended(kept, owner)
    await Retention(kept.storage, ManualClock(START + timedelta(days=31)), 30).sweep()
    assert await files(kept, run) == []


async def test_they_stay_when_a_deletion_is_taken_back(kept: Kept, owner: Tenant) -> None:
    run = await ended(kept, owner)
    with pytest.raises(ZeroDivisionError):
        async with kept.storage.open(owner.id) as uow:
            await uow.runs.remove(run.id)
            raise ZeroDivisionError
    assert await files(kept, run) == [("deep/file.txt", 7)]


@pytest.mark.parametrize("where", ["sqlite", "postgresql", "beside"], indirect=True)
async def test_what_a_run_writes_after_its_deletion_is_swept(kept: Kept, owner: Tenant) -> None:
    assert kept.database is not None
    there = await ended(kept, owner)
    gone = a_run(owner.project)
    await kept.artifacts.write(gone.id, "late", "x")
    beside = kept.blobs if isinstance(kept.blobs, FolderBlobs) else None
    await remove_orphans(kept.database, beside)
    assert await files(kept, gone) == []
    assert await files(kept, there) == [("deep/file.txt", 7)]


async def test_what_is_no_text_is_told(kept: Kept, owner: Tenant) -> None:
    run = await ended(kept, owner)
    await kept.blobs.put(f"runs/{run.id}/files/image", b"\xff\xd8")
    with pytest.raises(ArtifactError) as refused:
        await kept.artifacts.read(run.id, "image")
    assert refused.value.code == "FILE_NOT_TEXT"


async def test_many_who_write_at_once_keep_to_the_bounds(kept: Kept, owner: Tenant) -> None:
    run, artifacts = await ended(kept, owner), kept.artifacts
    for number in range(15):
        await artifacts.write(run.id, f"large{number}", "x" * FILE_MAX)
    writing = (artifacts.write(run.id, f"more{number}", "x" * FILE_MAX) for number in range(8))
    outcomes = await asyncio.gather(*writing, return_exceptions=True)
    codes = [each.code for each in outcomes if isinstance(each, ArtifactError)]
    # With the small file there already is, the twentieth does not fit.
    assert codes == ["FOLDER_FULL"] * 4
    assert len(await files(kept, run)) == 20 < FILES_MAX
