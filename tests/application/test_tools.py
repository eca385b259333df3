"""Tools: what is made of what was given, what is refused, and who hears of it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.sandbox.monty import MontySandbox
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.ports.tools import ToolFilter
from orbiter.application.tool_kinds import INPUT
from orbiter.application.work import Work
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.errors import Conflict, Forbidden, Invalid, NotFound
from orbiter.domain.identity import Actor, Role, permissions_of
from orbiter.domain.tools import Tool, ToolKind
from orbiter.domain.workflows import Canvas, Node
from support.builders import a_version, a_workflow, an_agent
from support.clock import ManualClock
from support.office import wrong_fields
from support.tenants import Tenant, settle
from support.tools import tools_over
from support.triggers import developer_of

ADD: Final = 'def add(a: int) -> int:\n    """Adds."""\n    return a'
SUBTRACT: Final = "def subtract(b: str = 'x') -> str:\n    return b"
ANOTHER: Final = "def add(z: int) -> int:\n    return z"
SCHEMA: Final = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


class Bench:
    """Tools over a storage in memory, and a sandbox that is asked for complaints alone."""

    def __init__(self, sandbox: MontySandbox) -> None:
        self.storage = MemoryStorage()
        work = Work(self.storage, ManualClock(), new_id)
        self.tools = tools_over(work, sandbox)

    def reading(self, tenant: Tenant) -> Any:
        return self.storage.open(tenant.id, reading=True)

    async def workflow(self, tenant: Tenant, inputs: Any = None) -> str:
        """Keep a workflow with two versions, of which the second one takes *inputs*."""
        head = a_workflow(tenant.project, version=2, description="Counts")
        start = Node(id="start", type="start", config={"inputs": inputs} if inputs else {})
        async with self.storage.open(tenant.id) as uow:
            await uow.workflows.add(head)
            await uow.workflows.add_version(a_version(head))
            await uow.workflows.add_version(
                a_version(head, version=2, canvas=Canvas(nodes=(start,)))
            )
        return head.id

    async def agent(self, tenant: Tenant) -> str:
        """Keep an agent."""
        agent = an_agent(tenant.project, description="Helps")
        async with self.storage.open(tenant.id) as uow:
            await uow.agents.add(agent)
            await uow.agents.add_version(agent.snapshot(by=agent.created_by, at=agent.created_at))
        return agent.id


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MontySandbox]:
    sandbox = MontySandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def bench(sandbox: MontySandbox) -> Bench:
    return Bench(sandbox)


@pytest.fixture
async def tenant(bench: Bench) -> Tenant:
    return await settle(bench.storage)


@pytest.fixture
def developer(tenant: Tenant) -> Actor:
    return developer_of(tenant)


async def made(bench: Bench, actor: Actor, tenant: Tenant, **given: Any) -> Tool:
    body = {"project_id": tenant.project.id, "name": "tool", **given}
    return await bench.tools.create(actor, **body)


async def refused(bench: Bench, actor: Actor, tenant: Tenant, **given: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refusal:
        await made(bench, actor, tenant, **given)
    async with bench.reading(tenant) as uow:
        assert (await uow.tools.page(PageRequest(), ToolFilter())).total == 0
    return wrong_fields(refusal.value)


class TestMaking:
    async def test_python_is_read(self, bench: Bench, tenant: Tenant, developer: Actor) -> None:
        tool = await made(bench, developer, tenant, kind=ToolKind.PYTHON, config={"code": ADD})
        assert tool.parameters == {
            "type": "object",
            "properties": {"a": {"type": "integer"}},
            "required": ["a"],
            "additionalProperties": False,
        }
        assert (tool.description, tool.created_by) == ("Adds.", developer.user_id)

    async def test_python_may_be_given_the_parameters_it_has(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        python = {"kind": ToolKind.PYTHON, "config": {"code": ADD}}
        tool = await made(bench, developer, tenant, **python)
        given = {**python, "parameters": tool.parameters, "name": "other", "description": "Mine"}
        assert (await made(bench, developer, tenant, **given)).description == "Mine"
        given = {**python, "parameters": SCHEMA, "name": "third"}
        with pytest.raises(Invalid) as refusal:
            await made(bench, developer, tenant, **given)
        assert wrong_fields(refusal.value) == {"parameters": "value_error"}

    @pytest.mark.parametrize(
        "code",
        [
            "",
            "def f(",
            "x = 1",
            "def f(a): pass",
            "def f(): pass\ndef g(): pass",
            "async def f(): pass",
            "import socket\ndef f() -> int:\n    return 1",
            "def f(a: int = 10 ** 9): pass",
            "def f(a: int = 'one'): pass",
            "class A: pass\ndef f() -> int:\n    yield 1",
        ],
    )
    async def test_code_that_can_not_run_is_refused(
        self, bench: Bench, tenant: Tenant, developer: Actor, code: str
    ) -> None:
        python = {"kind": ToolKind.PYTHON, "config": {"code": code}}
        assert await refused(bench, developer, tenant, **python) == {"config.code": "value_error"}

    async def test_http_takes_any_object_unless_told(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        http = {"kind": ToolKind.HTTP, "config": {"url": "https://api.test"}}
        tool = await made(bench, developer, tenant, **http)
        assert tool.parameters == {"type": "object", "properties": {}}
        tool = await made(bench, developer, tenant, **http, parameters=SCHEMA, name="b")
        assert tool.parameters == SCHEMA

    async def test_a_workflow_takes_what_its_start_takes(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        workflow_id = await bench.workflow(tenant, {"properties": {"n": {"type": "integer"}}})
        workflow = {"kind": ToolKind.WORKFLOW, "config": {"workflow_id": workflow_id}}
        tool = await made(bench, developer, tenant, **workflow)
        assert tool.parameters == {"type": "object", "properties": {"n": {"type": "integer"}}}
        assert tool.description == "Counts"
        workflow["config"] = {"workflow_id": workflow_id, "version": 1}
        tool = await made(bench, developer, tenant, **workflow, name="first")
        assert tool.parameters == {"type": "object", "properties": {}}
        tool = await made(bench, developer, tenant, **workflow, name="own", parameters=SCHEMA)
        assert tool.parameters == SCHEMA

    async def test_an_agent_takes_an_input(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        agent = {"kind": ToolKind.AGENT, "config": {"agent_id": await bench.agent(tenant)}}
        tool = await made(bench, developer, tenant, **agent)
        assert (tool.parameters, tool.description) == (INPUT, "Helps")

    async def test_references_are_the_callers(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        stranger = await settle(bench.storage)
        theirs, their_agent = await bench.workflow(stranger), await bench.agent(stranger)
        mine, my_agent = await bench.workflow(tenant), await bench.agent(tenant)
        for kind, config, field in (
            (ToolKind.WORKFLOW, {"workflow_id": theirs}, "config.workflow_id"),
            (ToolKind.WORKFLOW, {"workflow_id": "\0"}, "config"),
            (ToolKind.WORKFLOW, {"workflow_id": my_agent}, "config.workflow_id"),
            (ToolKind.WORKFLOW, {"workflow_id": mine, "version": 3}, "config.version"),
            (ToolKind.AGENT, {"agent_id": their_agent}, "config.agent_id"),
            (ToolKind.AGENT, {"agent_id": mine}, "config.agent_id"),
            (ToolKind.AGENT, {"agent_id": my_agent, "version": 2}, "config.version"),
        ):
            found = await refused(bench, developer, tenant, kind=kind, config=config)
            assert found == {field: "value_error"}
        project = {"project_id": stranger.project.id, "kind": ToolKind.HTTP}
        found = await refused(bench, developer, tenant, **project, config={"url": "https://u"})
        assert found == {"project_id": "value_error"}

    async def test_nothing_is_built_in_by_a_workspace(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        found = await refused(bench, developer, tenant, kind=ToolKind.BUILTIN, config={})
        assert found == {"kind": "value_error"}

    @pytest.mark.parametrize(
        "parameters",
        [
            {"type": "object", "properties": 1},
            {"type": "object", "$ref": "https://evil.test/schema.json"},
            {"type": "object", "$ref": "file:///etc/passwd"},
            {"type": "object", "properties": {"a": {"pattern": "("}}},
        ],
    )
    async def test_parameters_are_a_schema_that_fetches_nothing(
        self, bench: Bench, tenant: Tenant, developer: Actor, parameters: Any
    ) -> None:
        http = {"kind": ToolKind.HTTP, "config": {"url": "https://u"}, "parameters": parameters}
        assert (await refused(bench, developer, tenant, **http)).keys() == {"parameters"}

    async def test_everything_wrong_is_told_at_once(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        found = await refused(
            bench,
            developer,
            tenant,
            project_id=new_id(),
            name="no good",
            description="x" * 5000,
            kind=ToolKind.HTTP,
            config={"method": "BREW", "headers": []},
            parameters={"type": "array"},
        )
        assert found == {
            "project_id": "value_error",
            "name": "string_pattern_mismatch",
            "description": "string_too_long",
            "config.url": "missing",
            "config.method": "enum",
            "config.headers": "dict_type",
            "parameters.type": "enum",
        }


class TestChanging:
    async def test_another_code_has_other_parameters(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        tool = await made(bench, developer, tenant, kind=ToolKind.PYTHON, config={"code": ADD})
        revised = await bench.tools.revise(developer, tool.id, config={"code": SUBTRACT})
        assert list(revised.parameters["properties"]) == ["b"]
        assert revised.description == ""
        with pytest.raises(Invalid):
            await bench.tools.revise(developer, tool.id, parameters=SCHEMA)
        with pytest.raises(Invalid) as refusal:
            await bench.tools.revise(developer, tool.id, name="no good", config={"code": "x"})
        assert wrong_fields(refusal.value).keys() == {"name", "config.code"}
        assert await bench.tools.get(developer, tool.id) == revised

    async def test_a_description_of_the_code_goes_with_it_and_one_that_was_given_stays(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        python = {"kind": ToolKind.PYTHON, "config": {"code": ADD}}
        config = {"code": ADD.replace("Adds", "Sums up")}
        for name, given, expected in (
            ("a", {}, "Sums up."),
            ("b", {"description": "Mine"}, "Mine"),
        ):
            tool = await made(bench, developer, tenant, **python, **given, name=name)
            revised = await bench.tools.revise(developer, tool.id, config=config)
            assert revised.description == expected
        revised = await bench.tools.revise(developer, tool.id, config=config, description="")
        assert revised.description == "Sums up."

    async def test_parameters_of_null_are_made_anew(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        config = {"workflow_id": await bench.workflow(tenant, SCHEMA)}
        tool = await made(
            bench,
            developer,
            tenant,
            kind=ToolKind.WORKFLOW,
            config=config,
            parameters={"type": "object"},
        )
        revised = await bench.tools.revise(developer, tool.id, parameters=None)
        assert revised.parameters == SCHEMA

    async def test_parameters_that_were_given_stay_with_another_request(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        tool = await made(
            bench,
            developer,
            tenant,
            kind=ToolKind.HTTP,
            config={"url": "https://u"},
            parameters=SCHEMA,
        )
        revised = await bench.tools.revise(developer, tool.id, config={"url": "https://v"})
        assert (revised.parameters, revised.config) == (SCHEMA, {"url": "https://v"})

    async def test_uses_that_are_counted_meanwhile_stay_counted(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        tool = await made(bench, developer, tenant, kind=ToolKind.HTTP, config={"url": "https://u"})
        async with bench.storage.open(tenant.id) as uow:
            await uow.tools.count_uses({tool.id: 3})
        assert (await bench.tools.revise(developer, tool.id, enabled=False)).usage_count == 3

    async def test_a_name_that_is_taken_is_a_conflict(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        http = {"kind": ToolKind.HTTP, "config": {"url": "https://u"}}
        await made(bench, developer, tenant, **http)
        other = await made(bench, developer, tenant, **http, name="other")
        with pytest.raises(Conflict):
            await made(bench, developer, tenant, **http)
        with pytest.raises(Conflict):
            await bench.tools.revise(developer, other.id, name="tool")

    async def test_what_is_built_in_is_read_and_stays(self, bench: Bench, developer: Actor) -> None:
        for id, tool in BUILTIN_TOOLS.items():
            assert await bench.tools.get(developer, id) == tool
            with pytest.raises(Conflict):
                await bench.tools.revise(developer, id, enabled=False)
            with pytest.raises(Conflict):
                await bench.tools.remove(developer, id)

    async def test_what_is_done_is_told_to_the_audit_log(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        tool = await made(bench, developer, tenant, kind=ToolKind.HTTP, config={"url": "https://u"})
        await bench.tools.revise(developer, tool.id, enabled=False)
        await bench.tools.remove(developer, tool.id)
        async with bench.reading(tenant) as uow:
            page = await uow.audit_log.page(PageRequest(newest_first=False), AuditFilter())
        told = [(each.action, each.entity_id) for each in page.items]
        assert told == [
            ("tool.created", tool.id),
            ("tool.updated", tool.id),
            ("tool.deleted", tool.id),
        ]

    async def test_who_only_reads_changes_nothing_and_learns_nothing(
        self, bench: Bench, tenant: Tenant, developer: Actor
    ) -> None:
        viewer = developer_of(tenant, role=Role.VIEWER, permissions=permissions_of(Role.VIEWER))
        tool = await made(bench, developer, tenant, kind=ToolKind.HTTP, config={"url": "https://u"})
        assert await bench.tools.get(viewer, tool.id) == tool
        for attempt in (
            made(bench, viewer, tenant, kind=ToolKind.PYTHON, config={}, name="no good"),
            bench.tools.revise(viewer, new_id(), name="x"),
            bench.tools.remove(viewer, next(iter(BUILTIN_TOOLS))),
        ):
            with pytest.raises(Forbidden):
                await attempt

    async def test_what_is_absent_is_not_found(self, bench: Bench, developer: Actor) -> None:
        for attempt in (
            bench.tools.get(developer, new_id()),
            bench.tools.revise(developer, new_id(), name="x"),
            bench.tools.remove(developer, new_id()),
        ):
            with pytest.raises(NotFound, match="Tool not found"):
                await attempt


async def test_no_unit_of_work_that_writes_waits_for_the_sandbox(
    tenant: Tenant, developer: Actor, bench: Bench
) -> None:
    class Looking(MontySandbox):
        """A sandbox that needs somebody else to write before it can complain."""

        async def complaints(self, code: str) -> Sequence[str]:
            async with bench.storage.open(tenant.id) as uow:
                project = await uow.projects.get(tenant.project.id)
                await uow.projects.save(project.revise(at=project.updated_at, name="Gemini"))
            return []

    handlers = tools_over(bench.tools.work, Looking())
    tool = await handlers.create(
        developer,
        project_id=tenant.project.id,
        name="add",
        kind=ToolKind.PYTHON,
        config={"code": ADD},
    )
    await handlers.revise(developer, tool.id, config={"code": SUBTRACT})


async def test_of_two_changes_at_once_none_is_mixed_with_the_other(
    tenant: Tenant, developer: Actor, bench: Bench
) -> None:
    class Overtaken(MontySandbox):
        """A sandbox that takes so long to complain that somebody else changes the tool."""

        async def complaints(self, code: str) -> Sequence[str]:
            await bench.tools.revise(developer, tool.id, config={"code": ANOTHER})
            return []

    tool = await made(bench, developer, tenant, kind=ToolKind.PYTHON, config={"code": ADD})
    handlers = tools_over(bench.tools.work, Overtaken())
    with pytest.raises(Conflict, match="changed meanwhile"):
        await handlers.revise(developer, tool.id, config={"code": SUBTRACT})
    kept = await bench.tools.get(developer, tool.id)
    assert list(kept.parameters["properties"]) == ["z"]
    assert (await handlers.revise(developer, tool.id, name="renamed")).config == kept.config
