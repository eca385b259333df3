"""What no database takes ends its run, and is in nobody else's way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.ports.models import ChatAnswer, ChatRequest, Endpoint, OnText
from orbiter.domain.runs import Usage
from support.agents import Asked
from support.api import Api, Caller, edge, node, running

MUCH = "much"
LATE = "late"


@dataclass
class Spendthrift(Asked):
    """Models that have spent more tokens than a database can count on one word, and time on one."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        answer = await super().chat(endpoint, request, on_text)
        if answer.text == LATE:
            await self.may_answer.wait()
        return replace(answer, usage=Usage(input_tokens=2**70 if answer.text == MUCH else 1))


@pytest.fixture
def gateway() -> Spendthrift:
    return Spendthrift()


@pytest.fixture
async def api(url: str, gateway: Spendthrift) -> AsyncIterator[Api]:
    storage = SqlStorage.connect(url)
    async with running(storage, gateway=gateway) as api, asyncio.timeout(30):
        yield api
    await storage.close()


async def test_a_run_that_no_database_can_hold_ends_as_failed(api: Api) -> None:
    admin = await api.admin()
    agent = await admin.agent(await admin.project(), model="echo:echo")
    waiting = {"Prefer": "wait=20"}
    answer = await admin.post(f"/agents/{agent['id']}/run", {"input": MUCH}, headers=waiting)
    assert answer.status_code == 200, answer.text
    run = answer.json()
    assert (run["status"], run["error"]["code"]) == ("failed", "INTERNAL_ERROR")
    assert (run["usage"]["total_tokens"], run["cost_usd"]) == (0, None)


async def test_its_conversation_goes_on(api: Api) -> None:
    admin = await api.admin()
    agent = await admin.agent(await admin.project(), model="echo:echo")
    path = f"/conversations/{await admin.conversation(agent['id'])}/messages"
    assert (await admin.post(path, {"content": MUCH})).status_code == 503
    assert (await admin.post(path, {"content": "hello"})).status_code == 201


async def test_the_steps_of_others_are_shown_meanwhile(api: Api, gateway: Spendthrift) -> None:
    admin = await api.admin()
    project = await admin.project()
    broken = await _begun(admin, project, MUCH, LATE)
    sound = await _begun(admin, project, "hello", LATE)
    shown = await _when(admin, sound, lambda run: len(run["steps"]) == 5)
    assert [step["output"] for step in shown["steps"] if step["name"] == "0"] == ["hello"]
    gateway.may_answer.set()
    for run_id, status in ((broken, "failed"), (sound, "completed")):
        assert (await _when(admin, run_id, lambda run: run["finished_at"]))["status"] == status


async def _begun(admin: Caller, project: str, *prompts: str) -> str:
    nodes = [
        node(str(place), "llm", {"model": "echo:echo", "prompt": prompt})
        for place, prompt in enumerate(prompts)
    ]
    way = ["start", *(each["id"] for each in nodes), "end"]
    edges = [edge(source, target) for source, target in zip(way, way[1:], strict=False)]
    canvas = {"nodes": [node("start", "start"), *nodes, node("end", "end")], "edges": edges}
    workflow = await admin.workflow(project, canvas)
    run = await admin.post(f"/workflows/{workflow['id']}/run", {})
    return str(run.json()["id"])


async def _when(admin: Caller, run_id: str, true: Any) -> dict[str, Any]:
    while True:
        run: dict[str, Any] = (await admin.get(f"/runs/{run_id}")).json()
        if true(run):
            return run
        await asyncio.sleep(0.01)
