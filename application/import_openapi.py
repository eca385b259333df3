"""Making tools of what a service says can be asked of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orbiter.application.ports.outbound import HttpClient, OutboundError, OutboundRequest
from orbiter.application.ports.service_descriptions import (
    DOCUMENT_MAX,
    Operation,
    ServiceDescriptions,
)
from orbiter.application.references import reference_problems
from orbiter.application.work import Work
from orbiter.domain.checks import require
from orbiter.domain.errors import Conflict, FieldProblem, Invalid
from orbiter.domain.http_requests import REQUEST_SETTINGS, missing_auth
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.providers import url_problems
from orbiter.domain.tools import Tool, ToolKind

FETCH_SECONDS: Final = 30

Document = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImportOpenApi:
    """Make a tool of kind `http` of each operation of an OpenAPI document: of all, or of none."""

    work: Work
    descriptions: ServiceDescriptions
    http: HttpClient

    async def __call__(
        self,
        actor: Actor,
        *,
        project_id: str,
        document: Document | None = None,
        url: str | None = None,
        base_url: str | None = None,
        auth: Mapping[str, Any] | None = None,
        operations: Sequence[str] | None = None,
    ) -> Sequence[Tool]:
        """Return the new tools; the document is given, or fetched from *url*.

        *base_url* says where the service is, if it is elsewhere than the document says, or the
        document does not say; *auth* how it knows who asks, as the `auth` of an `http` tool;
        *operations*, by id or as `GET /path`, which ones are meant. Raise Invalid with every place
        that is wrong, and Conflict when the project has a tool of one of the names.
        """
        async with self.work(actor, Permission.TOOLS_WRITE, reading=True) as uow:
            unknown = await reference_problems("project_id", uow.projects.get, project_id)
        found = (_source_problems(document, url), url_problems(base_url), _auth_problems(auth))
        require(unknown, *found)
        read = await self.descriptions.operations(
            await self._fetched(url or "") if document is None else document,
            wanted=operations,
            base_url=base_url,
            origin=url,
            auth=auth,
        )
        tools = [self._tool(actor, project_id, each) for each in read]
        require(*(_tool_problems(tool) for tool in tools))
        await self._keep(actor, tools)
        return tools

    async def _fetched(self, url: str) -> str:
        request = OutboundRequest(
            method="GET", url=url, headers={}, query={}, timeout_seconds=FETCH_SECONDS
        )
        try:
            answer = await self.http.send(request)
        except OutboundError as failure:
            raise Invalid.field("url", failure.message) from None
        if answer.status != 200:
            raise Invalid.field("url", f"The service answered with status {answer.status}")
        if len(answer.body) > 4 * DOCUMENT_MAX:
            raise Invalid.field("url", f"The document has more than {DOCUMENT_MAX} characters")
        try:
            return answer.body.decode()
        except UnicodeDecodeError:
            raise Invalid.field("url", "The document is no text in UTF-8") from None

    def _tool(self, actor: Actor, project_id: str, operation: Operation) -> Tool:
        now = self.work.clock.now()
        return Tool(
            id=self.work.new_id(),
            workspace_id=actor.workspace_id,
            project_id=project_id,
            name=operation.name,
            description=operation.description,
            kind=ToolKind.HTTP,
            parameters=operation.parameters,
            config=operation.config,
            created_by=actor.user_id,
            created_at=now,
            updated_at=now,
        )

    async def _keep(self, actor: Actor, tools: Sequence[Tool]) -> None:
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            for tool in tools:
                try:
                    await uow.tools.add(tool)
                except Conflict:
                    message = f"The project has a tool named {tool.name} already"
                    raise Conflict(message, {"name": tool.name}) from None
                await self.work.audit(uow, actor, "tool.created", tool.id)


def _source_problems(document: Document | None, url: str | None) -> Iterator[FieldProblem]:
    if document is None and url is None:
        yield FieldProblem("document", "Field required", "missing")
    elif document is not None and url is not None:
        yield FieldProblem("url", "The document is given, so that it need not be fetched")


def _auth_problems(auth: Mapping[str, Any] | None) -> Iterator[FieldProblem]:
    if auth is None:
        return
    found = list(REQUEST_SETTINGS["auth"].problems("auth", auth))
    yield from found
    if not found:
        for part in missing_auth({"auth": auth}):
            yield FieldProblem(f"auth.{part}", "Field required", "missing")


def _tool_problems(tool: Tool) -> Iterator[FieldProblem]:
    for problem in tool.problems():
        message = f"{tool.name} can't be a tool: {problem.field}: {problem.message}"
        yield FieldProblem("document", message)
