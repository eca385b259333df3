"""Agents on scripted models, in a laboratory; whoever asks the models is counted."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orbiter.adapters.models.echo import EchoModels
from orbiter.adapters.system.ids import new_id
from orbiter.application.execution.agents.graph import graph_of
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    ChatRole,
    Embeddings,
    Endpoint,
    ModelError,
    OnText,
)
from orbiter.domain.agents import Agent, AgentSettings, AgentVersion
from orbiter.domain.projects import Project
from orbiter.domain.runs import Run, RunKind
from orbiter.domain.tools import Tool, ToolKind
from support.clock import START
from support.graphs import NOBODY, Laboratory, Steps, Traced, a_started_run

Entry = Mapping[str, Any]


def says(text: str, **more: Any) -> Entry:
    """Return the entry of a script in which the model speaks."""
    return {"text": text, **more}


def calls(*named: tuple[str, Any], **more: Any) -> Entry:
    """Return the entry of a script in which the model calls tools."""
    made = [{"name": name, "arguments": arguments} for name, arguments in named]
    return {"tool_calls": made, **more}


def asks(name: str, text: str, **more: Any) -> Entry:
    """Return the entry of a script in which the model asks an agent."""
    return calls((name, {"input": text}), **more)


def script(*entries: Entry) -> str:
    """Return the message that lets `echo:script` play the entries."""
    return json.dumps({"script": entries})


@dataclass
class Asked:
    """The scripted models, which note what they are asked, and fail as *trouble* says."""

    requests: list[ChatRequest] = field(default_factory=list)
    aloud: list[bool] = field(default_factory=list)
    trouble: deque[ModelError | None] = field(default_factory=deque)
    models_of_ours: EchoModels = field(default_factory=EchoModels)

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        self.requests.append(request)
        self.aloud.append(on_text is not None)
        trouble = self.trouble.popleft() if self.trouble else None
        if trouble is not None:
            raise trouble
        return await self.models_of_ours.chat(endpoint, request, on_text)

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        return await self.models_of_ours.embed(endpoint, model, texts)

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        return await self.models_of_ours.models(endpoint)

    @property
    def last(self) -> ChatRequest:
        return self.requests[-1]

    def told(self, role: ChatRole) -> list[str]:
        """Return what was said by that role in the last request."""
        return [each.content for each in self.last.messages if each.role is role]


def results(messages: Sequence[ChatMessage]) -> list[str]:
    """Return what tools gave, as the model reads it."""
    return [each.content for each in messages if each.role is ChatRole.TOOL]


def a_run_of(agent: AgentVersion, input: Any, id: str | None = None, **more: Any) -> Run:
    """Return a run of an agent that has just left the queue."""
    run = a_started_run(graph_of(agent), id, {"input": input, **more})
    return replace(run, kind=RunKind.AGENT, workflow_id=None, agent_id=agent.agent_id)


@dataclass
class Studio(Laboratory):
    """A laboratory with a project, in which agents and tools are kept."""

    gateway: Asked = field(default_factory=Asked)
    default_model: str | None = "echo:echo"
    has_project: bool = False

    async def agent(self, name: str = "Desk", **settings: Any) -> AgentVersion:
        """Keep an agent, by default one that plays the scripts it is given."""
        await self._project()
        chosen = AgentSettings(**{"model": "echo:script", **settings})
        agent = Agent(
            id=new_id(),
            workspace_id=NOBODY,
            project_id=NOBODY,
            name=name,
            settings=chosen,
            created_by=NOBODY,
            created_at=START,
            updated_at=START,
        )
        version = agent.snapshot(by=NOBODY, at=START)
        async with self.kept.open(NOBODY) as uow:
            await uow.agents.add(agent)
            await uow.agents.add_version(version)
        return version

    async def revised(self, version: AgentVersion, **settings: Any) -> AgentVersion:
        """Keep another version of an agent."""
        async with self.kept.open(NOBODY) as uow:
            agent = await uow.agents.get(version.agent_id)
            agent = agent.show(replace(agent.settings, **settings))
            await uow.agents.save(agent)
            await uow.agents.add_version(agent.snapshot(by=NOBODY, at=START))
        return agent.snapshot(by=NOBODY, at=START)

    async def tool(self, name: str, kind: ToolKind, config: Any, **parameters: Any) -> Tool:
        """Keep a tool that takes the *parameters*, each with its schema."""
        await self._project()
        tool = Tool(
            id=new_id(),
            workspace_id=NOBODY,
            project_id=NOBODY,
            name=name,
            kind=kind,
            config=config,
            parameters={
                "type": "object",
                "properties": parameters,
                "required": [*parameters],
                "additionalProperties": False,
            },
            created_by=NOBODY,
            created_at=START,
            updated_at=START,
        )
        async with self.kept.open(NOBODY) as uow:
            await uow.tools.add(tool)
        return tool

    async def answer(self, agent: AgentVersion, input: Any, **more: Any) -> Traced:
        """Return the run of an agent on an input, and *more* beside it."""
        run = a_run_of(agent, input, **more)
        trace = Steps()
        work = self.executor.execute(run, graph_of(agent), self.runner, trace)
        ended = (await self.clock.through(work)).run
        return Traced(ended, trace.last, 0)

    async def _project(self) -> None:
        if self.has_project:
            return
        self.has_project = True
        project = Project(
            id=NOBODY,
            workspace_id=NOBODY,
            name="Studio",
            default_model=self.default_model,
            created_by=NOBODY,
            created_at=START,
            updated_at=START,
        )
        async with self.kept.open(NOBODY) as uow:
            await uow.projects.add(project)
