"""`agent`: an agent answers, with all the calls of models and tools that it takes."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from orbiter.application.execution.agents.loop import respond
from orbiter.application.execution.agents.tool_calls import pinned
from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.texts import as_text
from orbiter.application.execution.visit import Visit
from orbiter.domain.agents import AgentVersion, settings_of


async def behave(visit: Visit) -> Outcome:
    """Give the agent's answer: a text, or a value where it has an output schema.

    Fail as models do, or with MAX_TURNS, OUTPUT_SCHEMA_VIOLATED, AGENT_NOT_FOUND, or what a
    guardrail says.
    """
    asked = _asked(visit)
    visit.input = {**visit.config, "input": asked}
    agent = await _agent(visit)
    answering = partial(respond, agent, as_text(asked), visit.calls, _context(visit))
    return Outcome(await visit.bounded(answering))


def _asked(visit: Visit) -> Any:
    """Return what the agent is asked: by its own run, by the node, or by the node before."""
    if visit.journey.agent is not None:
        return visit.journey.run.inputs["input"]
    given = visit.render(visit.config.get("input"))
    return visit.before if given is None else given


async def _agent(visit: Visit) -> AgentVersion:
    if visit.journey.agent is not None:
        return visit.journey.agent
    inline = visit.config.get("agent")
    if inline is None:
        agent_id, version = str(visit.config["agent_id"]), visit.config.get("version")
        return await pinned(visit.calls, agent_id, version)
    run = visit.journey.run
    texts = {name: visit.render(inline.get(name)) for name in ("instructions", "model")}
    return AgentVersion(
        agent_id=visit.node.id,
        version=run.version,
        name=visit.node.label or visit.node.id,
        settings=settings_of({**inline, **texts}),
        created_by=run.created_by or "",
        created_at=run.queued_at,
    )


def _context(visit: Visit) -> Mapping[str, Any]:
    """Return what an agent's own run was given beside the input."""
    own = visit.journey.agent is not None
    context = visit.journey.run.inputs.get("context") if own else None
    return context if isinstance(context, Mapping) else {}
