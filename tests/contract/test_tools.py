"""Tools: one of a name in each project, gone with it and with their server, found, counted."""

import asyncio

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.tools import ToolFilter
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.tools import Tool, ToolKind
from support.tenants import Tenant, found, ids


async def a_server(storage: Storage, tenant: Tenant) -> Tool:
    """Return a remote server of the tenant's, stored."""
    server: Tool = await tenant.stored(
        storage, "tools", kind=ToolKind.MCP, config={"url": "https://mcp.example.org"}
    )
    return server


async def offered(storage: Storage, tenant: Tenant, server: Tool) -> Tool:
    """Return one more tool that the server offers, stored."""
    config = {**server.config, "server_id": server.id, "tool": "lookup"}
    tool: Tool = await tenant.stored(storage, "tools", kind=ToolKind.MCP, config=config)
    return tool


async def test_a_name_is_there_once_in_each_project(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    other = await tenant.stored(storage, "projects")
    for project_id in (tenant.project.id, other.id):
        await tenant.stored(storage, "tools", name="lookup", project_id=project_id)
    await stranger.stored(storage, "tools", name="lookup")
    with pytest.raises(Conflict, match="with this name already exists"):
        await tenant.stored(storage, "tools", name="lookup")
    moved = await tenant.stored(storage, "tools")
    with pytest.raises(Conflict, match="with this name already exists"):
        async with storage.open(tenant.id) as uow:
            await uow.tools.save(moved.revise(at=moved.updated_at, name="lookup"))
    assert await found(storage, tenant.id, "tools", moved.id) == moved


async def test_tools_go_with_their_project(storage: Storage, tenant: Tenant) -> None:
    tool = await tenant.stored(storage, "tools")
    async with storage.open(tenant.id) as uow:
        assert (await uow.projects.dependents(tenant.project.id))["tools"] == 1
        await uow.projects.empty(tenant.project.id)
        assert "tools" not in await uow.projects.dependents(tenant.project.id)
    with pytest.raises(NotFound):
        await found(storage, tenant.id, "tools", tool.id)
    tool = await tenant.stored(storage, "tools")
    async with storage.open(tenant.id) as uow:
        await uow.projects.remove(tenant.project.id)
    with pytest.raises(NotFound):
        await found(storage, tenant.id, "tools", tool.id)


async def test_a_tool_needs_a_project_of_its_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for project_id in (new_id(), stranger.project.id):
        with pytest.raises(NotFound, match="Project"):
            await tenant.stored(storage, "tools", project_id=project_id)


async def test_what_a_server_offers_goes_with_it(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    server, other = [await a_server(storage, tenant) for _ in range(2)]
    first, second, elsewhere = [
        await offered(storage, tenant, each) for each in (server, server, other)
    ]
    async with storage.open(tenant.id) as uow:
        assert list(await uow.tools.of_server(server.id)) == [first.id, second.id]
        for nothing in (first.id, new_id(), "", "\0"):
            assert await uow.tools.of_server(nothing) == {}
        await uow.tools.remove(server.id)
        assert await uow.tools.several([first.id, second.id, elsewhere.id]) == {
            elsewhere.id: elsewhere
        }
    async with storage.open(stranger.id, reading=True) as uow:
        assert await uow.tools.of_server(other.id) == {}


async def test_several_are_found_at_once_and_only_mine(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    mine, also = [await tenant.stored(storage, "tools") for _ in range(2)]
    theirs = await stranger.stored(storage, "tools")
    wanted = [also.id, mine.id, theirs.id, new_id(), *BUILTIN_TOOLS, "", "\0", "\ud800"]
    async with storage.open(tenant.id, reading=True) as uow:
        assert await uow.tools.several(wanted) == {mine.id: mine, also.id: also}
        assert await uow.tools.several([]) == {}


async def test_tools_are_found_by_project_kind_and_words(storage: Storage, tenant: Tenant) -> None:
    other = await tenant.stored(storage, "projects")
    order = await tenant.stored(storage, "tools", name="Order_Lookup", description="100% ok")
    code = await tenant.stored(
        storage, "tools", kind=ToolKind.PYTHON, description="Straße\nfinder", config={}
    )
    away = await tenant.stored(storage, "tools", project_id=other.id, description="")
    expected: tuple[tuple[ToolFilter, list[str]], ...] = (
        (ToolFilter(), [away.id, code.id, order.id]),
        (ToolFilter(project_id=other.id), [away.id]),
        (ToolFilter(project_id=new_id()), []),
        (ToolFilter(project_id="\0"), []),
        (ToolFilter(kind=ToolKind.PYTHON), [code.id]),
        (ToolFilter(kind=ToolKind.BUILTIN), []),
        (ToolFilter(q="order_l"), [order.id]),
        (ToolFilter(q="0% O"), [order.id]),
        (ToolFilter(q="%ok"), []),
        (ToolFilter(q="orderxlookup"), []),
        (ToolFilter(q="STRASSE"), [code.id]),
        (ToolFilter(q="\0"), []),
        (ToolFilter(q="finder", kind=ToolKind.HTTP), []),
    )
    async with storage.open(tenant.id, reading=True) as uow:
        for only, wanted in expected:
            page = await uow.tools.page(PageRequest(), only)
            assert (ids(page.items), page.total) == (wanted, len(wanted)), only


async def test_uses_are_added_up(storage: Storage, tenant: Tenant, stranger: Tenant) -> None:
    mine, also = [await tenant.stored(storage, "tools") for _ in range(2)]
    theirs = await stranger.stored(storage, "tools")

    async def count() -> None:
        async with storage.open(tenant.id) as uow:
            await uow.tools.count_uses({mine.id: 2, also.id: 1, theirs.id: 5, new_id(): 1, "": 1})

    await asyncio.gather(*(count() for _ in range(5)))
    assert (await found(storage, tenant.id, "tools", mine.id)).usage_count == 10
    assert (await found(storage, tenant.id, "tools", also.id)).usage_count == 5
    assert await found(storage, stranger.id, "tools", theirs.id) == theirs


async def test_who_only_reads_counts_nothing(storage: Storage, tenant: Tenant) -> None:
    tool = await tenant.stored(storage, "tools")
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(RuntimeError, match="opened for reading"):
            await uow.tools.count_uses({tool.id: 1})


async def test_a_project_knows_the_names_of_its_tools(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    other = await tenant.stored(storage, "projects")
    for name in ("lookup", "add"):
        await tenant.stored(storage, "tools", name=name)
    await tenant.stored(storage, "tools", name="elsewhere", project_id=other.id)
    async with storage.open(tenant.id, reading=True) as uow:
        assert set(await uow.tools.names(tenant.project.id)) == {"lookup", "add"}
        assert set(await uow.tools.names(stranger.project.id)) == set()
    async with storage.open(stranger.id, reading=True) as uow:
        assert set(await uow.tools.names(tenant.project.id)) == set()
