"""What runs look up while they are executed, in their own workspace's storage."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from orbiter.application.patience import patiently
from orbiter.application.ports.models import ChatMessage
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.application.tool_uses import ToolUses
from orbiter.domain.agents import AgentVersion
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.conversations import Summary
from orbiter.domain.runs import Run
from orbiter.domain.tools import Tool, ToolKind

HISTORY_MAX: Final = 1000

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """The catalogue of each run's workspace; while storage is away, runs wait for it."""

    storage: Storage
    clock: Clock
    uses: ToolUses

    async def agent(self, run: Run, agent_id: str, version: int | None = None) -> AgentVersion:
        """Return a version, by default the latest; raise NotFound."""

        async def read(uow: UnitOfWork) -> AgentVersion:
            number = version or (await uow.agents.get(agent_id)).version
            return await uow.agents.version(agent_id, number)

        return await self._read(run, read)

    async def tools(self, run: Run, ids: Collection[str]) -> Mapping[str, Tool]:
        """Return those of the tools that there are and that are enabled, by id.

        A remote server's id stands for each of the tools it offers.
        """

        async def read(uow: UnitOfWork) -> Mapping[str, Tool]:
            custom = [each for each in ids if each not in BUILTIN_TOOLS]
            known = {**BUILTIN_TOOLS, **(await uow.tools.several(custom) if custom else {})}
            found = dict[str, Tool]()
            for tool in (known[each] for each in ids if each in known):
                offered = await uow.tools.of_server(tool.id) if tool.is_server else {tool.id: tool}
                found |= {id: each for id, each in offered.items() if each.enabled and tool.enabled}
            return found

        return await self._read(run, read)

    async def default_model(self, run: Run) -> str | None:
        """Return the project's default model, or else the first that a provider has, if any."""

        async def read(uow: UnitOfWork) -> str | None:
            project = await uow.projects.get(run.project_id)
            if project.default_model:
                return project.default_model
            provider = await uow.providers.default()
            return None if provider is None else f"{provider.name}:{provider.default_model}"

        return await self._read(run, read)

    async def history(self, run: Run, *, after: int = 0) -> Sequence[ChatMessage]:
        """Return what was said before the message that the run answers, *after* a sequence."""

        async def read(uow: UnitOfWork) -> Sequence[ChatMessage]:
            return await uow.conversations.said_before(run, limit=HISTORY_MAX, after=after)

        return () if run.conversation_id is None else await self._read(run, read)

    async def summary(self, run: Run) -> Summary | None:
        """Return what earlier runs have summed up of the run's conversation."""

        async def read(uow: UnitOfWork) -> Summary | None:
            return (await uow.conversations.get(run.conversation_id or "")).summary

        return await self._read(run, read)

    def count_use(self, run: Run, tool: Tool) -> None:
        """Count one use of a tool; those built in are not counted."""
        if tool.kind is not ToolKind.BUILTIN:
            self.uses.count(run.workspace_id, tool.id)

    async def _read(self, run: Run, read: Callable[[UnitOfWork], Awaitable[Found]]) -> Found:
        async def attempt() -> Found:
            async with self.storage.open(run.workspace_id, reading=True) as uow:
                return await read(uow)

        return await patiently(attempt, self.clock)
