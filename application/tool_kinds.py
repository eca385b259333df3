"""What makes a tool of each kind whole; nothing that a user wrote is run for it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict

from orbiter.application.execution.tools.signatures import PythonFunction, function_of
from orbiter.application.ports.sandbox import Sandbox
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.templating import Schemas
from orbiter.domain.errors import FieldProblem, Invalid, NotFound
from orbiter.domain.tools import DESCRIPTION_MAX, ToolKind, config_problems, parameters_problems

ANYTHING: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
INPUT: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "What the agent is asked to do"}},
    "required": ["input"],
    "additionalProperties": False,
}
# Kinds whose parameters follow from their settings.
DERIVED: Final = frozenset({ToolKind.PYTHON, ToolKind.WORKFLOW, ToolKind.AGENT})

Reading = Callable[[], AbstractAsyncContextManager[UnitOfWork]]


class ToolRevision(TypedDict, total=False):
    """Everything a caller may revise; *parameters* of None are made anew."""

    name: str
    description: str
    parameters: Mapping[str, Any] | None
    config: Mapping[str, Any]
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A tool as it was asked for; *parameters* of None are to be made."""

    kind: ToolKind
    config: Mapping[str, Any]
    parameters: Mapping[str, Any] | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ToolKinds:
    """Checks tools, and makes what was not given."""

    schemas: Schemas
    sandbox: Sandbox

    async def whole(self, draft: Draft, reading: Reading) -> Draft:
        """Return the draft with its parameters; raise Invalid with everything that is wrong in it.

        What it refers to is looked for in units of work that *reading* gives.
        """
        found = list(config_problems(draft.kind, draft.config))
        if draft.kind is ToolKind.BUILTIN:
            found.append(FieldProblem("kind", f"Tools of kind '{draft.kind}' can't be made"))
        if not found:
            try:
                draft = await self._of_kind(draft, reading)
            except Invalid as invalid:
                found += invalid.problems
        if draft.parameters is not None:
            found += self._parameters_problems(draft.parameters)
        if found:
            raise Invalid(found)
        return draft

    async def _of_kind(self, draft: Draft, reading: Reading) -> Draft:
        match draft.kind:
            case ToolKind.PYTHON:
                return await self._of_code(draft)
            case ToolKind.WORKFLOW:
                return await _of_workflow(draft, reading)
            case ToolKind.AGENT:
                return await _of_agent(draft, reading)
            case _:
                given = draft.parameters
                return replace(draft, parameters=ANYTHING if given is None else given)

    async def _of_code(self, draft: Draft) -> Draft:
        code = draft.config["code"]
        function = function_of(code)
        complaints = await self.sandbox.complaints(code) or self._unfit_defaults(function)
        if complaints:
            raise Invalid([FieldProblem("config.code", complaint) for complaint in complaints])
        return _with_only(_described(draft, function.description), function.parameters)

    def _unfit_defaults(self, function: PythonFunction) -> list[str]:
        return [
            f"The default of '{name}' is not of its type"
            for name, schema in function.parameters["properties"].items()
            if "default" in schema and self.schemas.problems(schema, schema["default"])
        ]

    def _parameters_problems(self, parameters: Mapping[str, Any]) -> list[FieldProblem]:
        complaints = self.schemas.complaints(parameters)
        return list(parameters_problems(parameters)) or [
            FieldProblem("parameters", complaint) for complaint in complaints
        ]


def _with_only(draft: Draft, parameters: Mapping[str, Any]) -> Draft:
    """Return the draft with the parameters that it must have; raise Invalid if it has others."""
    if draft.parameters not in (None, parameters):
        message = "The parameters follow from what the tool runs: leave them out"
        raise Invalid.field("parameters", message)
    return replace(draft, parameters=parameters)


async def _of_workflow(draft: Draft, reading: Reading) -> Draft:
    async with reading() as uow:
        head = await _referred(uow.workflows.get, "workflow_id", draft)
        number = draft.config.get("version") or head.version
        graph = await _version(uow.workflows.version, head.id, number)
    parameters = draft.parameters
    if parameters is None:
        parameters = {**ANYTHING, **(graph.inputs_schema or {})}
    return replace(_described(draft, head.description), parameters=parameters)


async def _of_agent(draft: Draft, reading: Reading) -> Draft:
    async with reading() as uow:
        head = await _referred(uow.agents.get, "agent_id", draft)
        await _version(uow.agents.version, head.id, draft.config.get("version") or head.version)
    return _with_only(_described(draft, head.description), INPUT)


def _described(draft: Draft, description: str | None) -> Draft:
    """Return the draft with what it is described by, if nothing else is given."""
    return replace(draft, description=draft.description or (description or "")[:DESCRIPTION_MAX])


async def _referred(get: Callable[[str], Any], name: str, draft: Draft) -> Any:
    try:
        return await get(draft.config[name])
    except NotFound as absent:
        raise Invalid.field(f"config.{name}", absent.message) from None


async def _version(get: Callable[[str, int], Any], head_id: str, number: int) -> Any:
    try:
        return await get(head_id, number)
    except NotFound:
        raise Invalid.field("config.version", f"There is no version {number}") from None
