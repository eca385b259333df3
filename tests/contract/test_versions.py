"""What every kind of head promises of its versions."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.domain.agents import Agent, AgentSettings
from orbiter.domain.errors import BadRequest, Conflict, NotFound
from orbiter.domain.workflows import Workflow
from support.builders import a_version, an_agent_version
from support.tenants import Tenant, repository


def an_agent_with(head: Any, number: int, content: object) -> Any:
    settings = AgentSettings(output_schema={"b": content, "a": [2]})
    return an_agent_version(head, version=number, settings=settings)


def a_graph_with(head: Any, number: int, content: object) -> Any:
    return a_version(head, version=number, variables={"b": content, "a": [2]})


KINDS: Final[dict[str, Callable[[Any, int, object], Any]]] = {
    "agents": an_agent_with,
    "workflows": a_graph_with,
}


class Versions:
    """The versions of a tenant's agent or workflow, which has a first one."""

    def __init__(self, storage: Storage, tenant: Tenant, noun: str) -> None:
        self.storage, self.tenant, self.noun = storage, tenant, noun
        self.head: Agent | Workflow = tenant.agent if noun == "agents" else tenant.workflow
        self.id = self.head.id

    def new(self, number: int, content: object = None) -> Any:
        """Return a version to be stored."""
        return KINDS[self.noun](self.head, number, content)

    def of(self, uow: Any) -> Any:
        """Return where they are kept."""
        return repository(uow, self.noun)

    async def add(self, version: Any) -> None:
        """Store a version."""
        async with self.storage.open(self.tenant.id) as uow:
            await self.of(uow).add_version(version)

    async def read(self, number: int) -> Any:
        """Return what a unit of work of its own finds."""
        async with self.storage.open(self.tenant.id, reading=True) as uow:
            return await self.of(uow).version(self.id, number)


@pytest.fixture(params=KINDS)
def kept(storage: Storage, tenant: Tenant, request: pytest.FixtureRequest) -> Versions:
    """The versions of each kind of head."""
    return Versions(storage, tenant, request.param)


async def test_versions_come_back_equal(kept: Versions) -> None:
    second = kept.new(2, {"z": 1, "y": "\0 \ud800"})
    first = await kept.read(1)
    await kept.add(second)
    for _ in range(2):
        read = await kept.read(2)
        assert read == second and repr(read) == repr(second)
        assert await kept.read(1) == first != read


async def test_a_version_that_is_not_there_is_not_found(kept: Versions) -> None:
    async with kept.storage.open(kept.tenant.id, reading=True) as uow:
        await kept.of(uow).get(kept.id)
        for number in (0, -1, 2, 2**31, 2**63, 10**100):
            with pytest.raises(NotFound, match="version"):
                await kept.of(uow).version(kept.id, number)
        for head_id in (new_id(), "\0", ""):
            with pytest.raises(NotFound, match="version"):
                await kept.of(uow).version(head_id, 1)
            empty = await kept.of(uow).versions(head_id, PageRequest())
            assert (empty.items, empty.total) == ([], 0)


async def test_a_number_is_used_once(kept: Versions) -> None:
    first = await kept.read(1)
    with pytest.raises(Conflict, match="with this number already exists"):
        await kept.add(kept.new(1, "other"))
    assert await kept.read(1) == first


async def test_a_version_needs_its_head(kept: Versions) -> None:
    version = kept.new(2)
    async with kept.storage.open(kept.tenant.id) as uow:
        await kept.of(uow).remove(kept.id)
    with pytest.raises(NotFound, match="^(Agent|Workflow) not found"):
        await kept.add(version)


async def test_another_workspace_sees_and_adds_none(kept: Versions, stranger: Tenant) -> None:
    await kept.read(1)
    async with kept.storage.open(stranger.id) as uow:
        with pytest.raises(NotFound):
            await kept.of(uow).version(kept.id, 1)
        with pytest.raises(NotFound):
            await kept.of(uow).add_version(kept.new(2))
        page = await kept.of(uow).versions(kept.id, PageRequest())
        assert (page.items, page.total) == ([], 0)


async def test_what_only_reads_adds_none(kept: Versions) -> None:
    async with kept.storage.open(kept.tenant.id, reading=True) as uow:
        with pytest.raises(RuntimeError, match="opened for reading"):
            await kept.of(uow).add_version(kept.new(2))


async def test_versions_go_with_their_head_though_they_were_read_before(kept: Versions) -> None:
    await kept.read(1)
    async with kept.storage.open(kept.tenant.id) as uow:
        await kept.of(uow).get(kept.id)
        assert (await kept.of(uow).version(kept.id, 1)).version == 1
        await kept.of(uow).remove(kept.id)
        with pytest.raises(NotFound):
            await kept.of(uow).version(kept.id, 1)
    with pytest.raises(NotFound):
        await kept.read(1)
    async with kept.storage.open(kept.tenant.id) as uow:
        await kept.of(uow).add(kept.head)
        assert (await kept.of(uow).versions(kept.id, PageRequest())).total == 0


async def test_versions_go_with_their_project_though_they_were_read_before(kept: Versions) -> None:
    await kept.read(1)
    async with kept.storage.open(kept.tenant.id) as uow:
        await kept.of(uow).get(kept.id)
        await uow.projects.empty(kept.tenant.project.id)
        with pytest.raises(NotFound):
            await kept.of(uow).version(kept.id, 1)


async def test_a_version_that_was_rolled_back_is_not_remembered(kept: Versions) -> None:
    with pytest.raises(ZeroDivisionError):
        async with kept.storage.open(kept.tenant.id) as uow:
            await kept.of(uow).get(kept.id)
            await kept.of(uow).add_version(kept.new(2, "first"))
            await kept.of(uow).version(kept.id, 2)
            raise ZeroDivisionError
    second = kept.new(2, "second")
    await kept.add(second)
    assert await kept.read(2) == second


async def test_versions_are_paged_by_number(kept: Versions) -> None:
    async with kept.storage.open(kept.tenant.id) as uow:
        for number in range(2, 13):
            await kept.of(uow).add_version(kept.new(number))
    whole = list(range(1, 13))
    downwards = [whole[:6:-1], whole[6:1:-1], whole[1::-1]]
    assert await _pages(kept, newest_first=True) == downwards
    assert await _pages(kept, newest_first=False) == [whole[:5], whole[5:10], whole[10:]]


async def test_a_cursor_that_is_no_number_is_a_bad_request(kept: Versions) -> None:
    async with kept.storage.open(kept.tenant.id, reading=True) as uow:
        for after in ("", "\0", "-1", "1.0", " 1", "9" * 5000, new_id()):
            with pytest.raises(BadRequest):
                await kept.of(uow).versions(kept.id, PageRequest(after=after))


async def _pages(kept: Versions, *, newest_first: bool) -> list[list[int]]:
    """Return the numbers of the twelve versions, by pages of five."""
    pages, after = [], None
    async with kept.storage.open(kept.tenant.id, reading=True) as uow:
        while True:
            request = PageRequest(limit=5, after=after, newest_first=newest_first)
            page = await kept.of(uow).versions(kept.id, request)
            assert page.total == 12
            pages.append([version.version for version in page.items])
            if page.next_after is None:
                return pages
            after = page.next_after
