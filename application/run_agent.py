"""Running an agent: accept, and perhaps wait for the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orbiter.application.execution.agents.graph import graph_of
from orbiter.application.starting import Starting, trigger_of, version_of
from orbiter.application.work import Work
from orbiter.domain.agents import Agent, AgentStatus, AgentVersion
from orbiter.domain.errors import Conflict, FieldProblem, Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, RunKind, Trigger

INPUT: Final = "input"
CONTEXT: Final = "context"


@dataclass(frozen=True, slots=True)
class RunAgent:
    """Start an agent; an answer is given only for what is stored."""

    work: Work
    starting: Starting

    async def __call__(
        self,
        actor: Actor,
        agent_id: str,
        *,
        inputs: Mapping[str, Any],
        version: int | None = None,
        wait_seconds: float = 0,
        trigger: Trigger | None = None,
        permission: Permission = Permission.AGENTS_RUN,
    ) -> Run:
        """Accept a run on `inputs.input` and return it as it stands after at most *wait_seconds*.

        `inputs.context`, if given, is an object that the agent is told beside its instructions.
        Raise Invalid for other inputs or when the version does not exist, Conflict for an agent
        that is archived.
        """
        run, graph = await self.prepare(
            actor,
            agent_id,
            inputs=inputs,
            version=version,
            trigger=trigger or trigger_of(actor),
            permission=permission,
        )
        return await self.starting.begin(
            actor, run, graph_of(graph), wait_seconds=wait_seconds, permission=permission
        )

    async def prepare(
        self,
        actor: Actor,
        agent_id: str,
        *,
        inputs: Mapping[str, Any],
        trigger: Trigger,
        version: int | None = None,
        permission: Permission = Permission.AGENTS_RUN,
    ) -> tuple[Run, AgentVersion]:
        """Return a run that only needs to be accepted, and the version of the agent it runs.

        Raise as a call does. For who stores more in the transaction that accepts it.
        """
        async with self.work(actor, permission, reading=True) as uow:
            head = await uow.agents.get(agent_id)
            agent = head.snapshot(by=head.created_by, at=head.updated_at)
            if version not in (None, head.version):
                agent = await version_of(uow.agents, agent_id, version)
        _require_runnable(head)
        _require_inputs(inputs)
        run = Run(
            id=self.work.new_id(),
            workspace_id=actor.workspace_id,
            kind=RunKind.AGENT,
            agent_id=head.id,
            project_id=head.project_id,
            version=agent.version,
            trigger=trigger,
            inputs=inputs,
            queued_at=self.work.clock.now(),
            created_by=actor.user_id,
        )
        return run, agent


def _require_runnable(agent: Agent) -> None:
    if agent.status is AgentStatus.ARCHIVED:
        raise Conflict("The agent is archived")


def _require_inputs(inputs: Mapping[str, Any]) -> None:
    problems = [
        FieldProblem(f"inputs.{name}", "Extra inputs are not permitted", "extra_forbidden")
        for name in inputs
        if name not in (INPUT, CONTEXT)
    ]
    if INPUT not in inputs:
        problems.append(FieldProblem(f"inputs.{INPUT}", "Field required", "missing"))
    elif inputs[INPUT] is None:
        message = "Input should be a valid string"
        problems.append(FieldProblem(f"inputs.{INPUT}", message, "string_type"))
    elif inputs[INPUT] == "":
        message = "String should have at least 1 character"
        problems.append(FieldProblem(f"inputs.{INPUT}", message, "string_too_short"))
    if inputs.get(CONTEXT) is not None and not isinstance(inputs[CONTEXT], Mapping):
        message = "Input should be a valid dictionary"
        problems.append(FieldProblem(f"inputs.{CONTEXT}", message, "dict_type"))
    if problems:
        raise Invalid(problems)
