"""What an agent's model is offered: its tools, its sub-agents, and whom it may hand over to."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any, Final

from orbiter.application.execution.calls import Calls
from orbiter.application.ports.models import ToolCall, ToolOffer
from orbiter.domain.agents import AgentVersion
from orbiter.domain.errors import NotFound
from orbiter.domain.tools import Tool

_UNFIT: Final = re.compile(r"[^a-z0-9_-]+")
_NAME_MAX: Final = 64
_TRANSFER: Final = "transfer_to_"
_INPUT: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "What it is asked to do"}},
    "required": ["input"],
}
_REASON: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"reason": {"type": "string", "description": "Why it is handed over"}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One thing a model may call: a *tool*, or an *agent*, which *takes_over* or only answers.

    It comes *too_late* where the same answer hands over to another one before.
    """

    offer: ToolOffer
    tool: Tool | None = None
    agent: AgentVersion | None = None
    takes_over: bool = False
    too_late: bool = False


Offers = Mapping[str, Offered]


async def offers_of(agent: AgentVersion, calls: Calls, name: str) -> Offers:
    """Return what is offered, by name; what is not there any more is left out and told.

    *name* is what the versions of the agents are recorded under, so that they stay the same however
    often the run is taken up.
    """
    entries = [_of_tool(tool) for tool in await _tools(agent, calls)]
    entries += [
        _of_agent(other, takes_over=takes_over)
        for other, takes_over in await _agents(agent, calls, name)
    ]
    offered: dict[str, Offered] = {}
    for entry in entries:
        free = _free(entry.offer.name, offered)
        offered[free] = replace(entry, offer=replace(entry.offer, name=free))
    return offered


def found(offers: Offers, name: str) -> Offered | None:
    """Return what a model means by *name*, whose case it may have wrong."""
    if name in offers:
        return offers[name]
    folded = name.casefold()
    return next((each for known, each in offers.items() if known.casefold() == folded), None)


def meant(offers: Offers, asked: Sequence[ToolCall]) -> Sequence[Offered | None]:
    """Return what each call of one answer means; only the first agent to take over is in time."""
    wanted = list[Offered | None]()
    handed_over = False
    for call in asked:
        offered = found(offers, call.name)
        if offered is not None and offered.takes_over:
            offered = replace(offered, too_late=handed_over)
            handed_over = True
        wanted.append(offered)
    return wanted


async def _tools(agent: AgentVersion, calls: Calls) -> list[Tool]:
    ids = agent.settings.tools
    if not ids:
        return []
    journey = calls.journey
    there = list((await journey.world.catalogue.tools(journey.run, ids)).values())
    known = {each.id for each in there} | {each.server_id for each in there}
    for tool_id in ids:
        if tool_id not in known:
            calls.note(f"The tool {tool_id} is not there any more, or not enabled")
    return there


async def _agents(agent: AgentVersion, calls: Calls, name: str) -> list[tuple[AgentVersion, bool]]:
    settings = agent.settings
    wanted = [(each, False) for each in settings.sub_agents]
    wanted += [(each, True) for each in settings.handoffs]
    if not wanted:
        return []
    numbers = await calls.records.decided(name) or {}
    there = list[tuple[AgentVersion, bool]]()
    for agent_id, takes_over in wanted:
        try:
            other = await calls.journey.world.catalogue.agent(
                calls.journey.run, agent_id, numbers.get(agent_id)
            )
        except NotFound:
            calls.note(f"The agent {agent_id} is not there any more")
        else:
            there.append((other, takes_over))
    await calls.records.decide(name, {other.agent_id: other.version for other, _ in there})
    return there


def _of_tool(tool: Tool) -> Offered:
    offer = ToolOffer(name=tool.name, description=tool.description, parameters=tool.parameters)
    return Offered(offer=offer, tool=tool)


def _free(name: str, taken: Container[str]) -> str:
    """Return the name, with a number behind it if it is taken: `sales_2`."""
    numbers = (f"_{number}" for number in count(2))
    endings = chain(("",), numbers)
    return next(
        free for end in endings if (free := name[: _NAME_MAX - len(end)] + end) not in taken
    )


def _of_agent(other: AgentVersion, *, takes_over: bool) -> Offered:
    plain = _UNFIT.sub("_", other.name.lower()).strip("_") or "agent"
    if takes_over:
        name, parameters = f"{_TRANSFER}{plain}"[:_NAME_MAX], _REASON
        description = f"Hand the conversation over to {other.name}. {other.description or ''}"
    else:
        name, parameters = plain[:_NAME_MAX], _INPUT
        description = other.description or f"Ask the agent {other.name}."
    offer = ToolOffer(name=name, description=description.strip(), parameters=parameters)
    return Offered(offer=offer, agent=other, takes_over=takes_over)
