"""Remote servers of tools: they are asked what they offer, which is kept as tools of their own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Unpack, cast

from orbiter.application.execution.outcome import message_without
from orbiter.application.execution.tools.mcp import server_of
from orbiter.application.ports.catalogue import Vault
from orbiter.application.ports.models import ToolOffer
from orbiter.application.ports.outbound import OutboundError
from orbiter.application.ports.remote_tools import RemoteTools
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.templating import Schemas, TemplateError, Templates
from orbiter.application.tool_kinds import ANYTHING, ToolRevision
from orbiter.application.work import Work
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import Conflict, FieldProblem, Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.remote_servers import local_name, server_problems
from orbiter.domain.secrets import SecretValues
from orbiter.domain.tools import (
    DESCRIPTION_MAX,
    Tool,
    ToolChanges,
    ToolKind,
    config_problems,
    name_problems,
    parameters_problems,
)

_ITS_OWN: Final = ("config", "description", "parameters")


@dataclass(frozen=True, slots=True)
class RemoteServers:
    """Keeps servers, and beside each the tools it offers.

    Every request goes out before the unit of work that writes: there others wait for it.
    """

    work: Work
    remote: RemoteTools
    vault: Vault
    templates: Templates
    schemas: Schemas

    async def create(
        self,
        actor: Actor,
        also: Iterable[FieldProblem],
        *,
        project_id: str,
        name: str,
        config: Mapping[str, Any],
        description: str = "",
        parameters: Mapping[str, Any] | None = None,
        enabled: bool = True,
    ) -> Tool:
        """Add a server to a project, and a tool for each that it offers.

        Raise Invalid when it can't be asked, or with all that is wrong, what is known *also*
        among it; raise Conflict when the name is taken.
        """
        require(
            also,
            name_problems(name),
            text_problems("description", description, maximum=DESCRIPTION_MAX),
            _parameters_problems(parameters),
            _config_problems(config),
        )
        offers = await self._offers(actor, project_id, config)
        now = self.work.clock.now()
        server = Tool(
            id=self.work.new_id(),
            workspace_id=actor.workspace_id,
            project_id=project_id,
            name=name,
            description=description,
            kind=ToolKind.MCP,
            parameters=ANYTHING,
            config=config,
            enabled=enabled,
            created_by=actor.user_id,
            created_at=now,
            updated_at=now,
        )
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            await uow.tools.add(server)
            await self._keep(uow, server, offers, now)
            await self.work.audit(uow, actor, "tool.created", server.id)
        return server

    async def revise(self, actor: Actor, before: Tool, **changes: Unpack[ToolRevision]) -> Tool:
        """Change a server, which is asked again with another config, or what one offers."""
        given = changes.get("config")
        require(
            name_problems(changes.get("name")),
            text_problems("description", changes.get("description"), maximum=DESCRIPTION_MAX),
            _fixed_problems(before, changes),
            _config_problems(given) if before.is_server and given is not None else (),
        )
        offers = None
        if before.is_server and given is not None:
            offers = await self._offers(actor, before.project_id, given)
        now = self.work.clock.now()
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            tool = await uow.tools.get(before.id)
            tool = tool.revise(at=now, **_revised(changes))
            await uow.tools.save(tool)
            if offers is not None:
                await self._keep(uow, tool, offers, now)
            await self.work.audit(uow, actor, "tool.updated", tool.id)
        return tool

    async def refresh(self, actor: Actor, tool_id: str) -> Tool:
        """Ask a server anew: what it offers no longer goes, what is new comes.

        What stays keeps its id, its name, and whether it is enabled. Raise Conflict for a tool
        that is no server.
        """
        async with self.work(actor, Permission.TOOLS_WRITE, reading=True) as uow:
            before = BUILTIN_TOOLS.get(tool_id) or await uow.tools.get(tool_id)
        if not before.is_server:
            raise Conflict("Only a remote server can be asked what it offers")
        offers = await self._offers(actor, before.project_id, before.config)
        now = self.work.clock.now()
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            server = await uow.tools.get(tool_id)
            if server.config != before.config:
                raise Conflict("The server was changed meanwhile")
            server = server.revise(at=now)
            await uow.tools.save(server)
            await self._keep(uow, server, offers, now)
            await self.work.audit(uow, actor, "tool.refreshed", tool_id)
        return server

    async def _offers(
        self, actor: Actor, project_id: str | None, config: Mapping[str, Any]
    ) -> Sequence[ToolOffer]:
        """Return what a server offers, without secrets that it may have echoed; raise Invalid."""
        secrets = await self.vault.open(actor.workspace_id, project_id)
        try:
            offers = await self.remote.offers(server_of(config, secrets, self.templates))
        except TemplateError as error:
            raise Invalid.field("config.headers", error.message) from None
        except OutboundError as failure:
            message = message_without(secrets, failure.message)
            raise Invalid.field("config.url", message) from None
        return [self._safe(offer, secrets) for offer in offers]

    def _safe(self, offer: ToolOffer, secrets: SecretValues) -> ToolOffer:
        parameters = {"type": "object", **secrets.redacted(offer.parameters)}
        # What can't be checked here is left to the server.
        if [*parameters_problems(parameters), *self.schemas.complaints(parameters)]:
            parameters = dict(ANYTHING)
        return ToolOffer(
            name=secrets.redacted(offer.name),
            description=secrets.told(offer.description)[:DESCRIPTION_MAX],
            parameters=parameters,
        )

    async def _keep(
        self, uow: UnitOfWork, server: Tool, offers: Sequence[ToolOffer], now: datetime
    ) -> None:
        """Make the tools beside a server those that it offers."""
        known = {
            tool.config["tool"]: tool for tool in (await uow.tools.of_server(server.id)).values()
        }
        offered = {offer.name: offer for offer in offers}
        for name, tool in known.items():
            if name not in offered:
                await uow.tools.remove(tool.id)
        taken = set(await uow.tools.names(server.project_id or ""))
        for name, offer in offered.items():
            follows: ToolChanges = {
                "description": offer.description,
                "parameters": offer.parameters,
                "config": {**server.config, "server_id": server.id, "tool": name},
            }
            if name in known:
                await uow.tools.save(known[name].revise(at=now, **follows))
            else:
                own = local_name(name, server.name, taken)
                taken.add(own)
                await uow.tools.add(self._tool(server, own, follows, now))

    def _tool(self, server: Tool, name: str, follows: ToolChanges, now: datetime) -> Tool:
        return Tool(
            id=self.work.new_id(),
            workspace_id=server.workspace_id,
            project_id=server.project_id,
            name=name,
            description=follows["description"],
            kind=ToolKind.MCP,
            parameters=follows["parameters"],
            config=follows["config"],
            created_by=server.created_by,
            created_at=now,
            updated_at=now,
        )


def _config_problems(config: Mapping[str, Any]) -> Iterator[FieldProblem]:
    found = list(config_problems(ToolKind.MCP, config))
    yield from found or server_problems(config)


def _parameters_problems(parameters: Mapping[str, Any] | None) -> Iterator[FieldProblem]:
    if parameters is not None:
        yield FieldProblem("parameters", "A server takes none: what it offers does")


def _fixed_problems(before: Tool, changes: ToolRevision) -> Iterator[FieldProblem]:
    if before.is_server:
        yield from _parameters_problems(changes.get("parameters"))
        return
    for name in _ITS_OWN:
        if name in changes:
            message = "It is as the server says: change it there, and refresh the server"
            yield FieldProblem(name, message)


def _revised(changes: ToolRevision) -> ToolChanges:
    # Parameters of null are made anew, which those of a server are anyway.
    return cast(
        "ToolChanges", {name: each for name, each in changes.items() if name != "parameters"}
    )
