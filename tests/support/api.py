"""Orbiter over HTTP, in memory and in this process: callers like browsers and programs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

import httpx

from orbiter.adapters.security.passwords import Argon2PasswordHasher
from orbiter.application.ports.models import ModelGateway
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.entrypoints.container import Container, in_memory

PASSWORD = "correct-horse-battery-9"
BASE_URL = "http://127.0.0.1:8000"
API = "/api/v1"


@dataclass
class Caller:
    """One client of the API; paths are relative to `/api/v1`."""

    client: httpx.AsyncClient
    csrf: str | None = None
    key: str | None = None
    user: dict[str, Any] = field(default_factory=dict)

    async def send(
        self, method: str, path: str, json: Any = None, **options: Any
    ) -> httpx.Response:
        """Send one request, with the session's CSRF token or the key."""
        headers = {**self._headers(method), **options.pop("headers", {})}
        if json is not None:
            options["json"] = json
        return await self.client.request(method, f"{API}{path}", headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.send("POST", path, json, **options)

    async def put(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.send("PUT", path, json, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("DELETE", path, **options)

    async def sign_in(self, email: str, password: str = PASSWORD) -> "Caller":
        """Log in and fetch the CSRF token."""
        answer = await self.post("/auth/login", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        self.user = answer.json()
        self.csrf = (await self.get("/auth/csrf")).json()["token"]
        return self

    async def sign_up(self, email: str | None = None, **more: Any) -> "Caller":
        """Register and log in: the admin of a new workspace, unless invited into one."""
        email = email or f"{uuid4()}@example.org"
        body = {"email": email, "password": PASSWORD, **more}
        answer = await self.post("/auth/register", body)
        assert answer.status_code == 201, answer.text
        return await self.sign_in(email)

    async def project(self, name: str = "Apollo") -> str:
        """Create a project and return its id."""
        return str((await self.post("/projects", {"name": name})).json()["id"])

    async def workflow(self, project_id: str, canvas: Any = None, **more: Any) -> dict[str, Any]:
        """Create a workflow, by default one that greets `inputs.name`."""
        body = {"project_id": project_id, "name": "Greeting", "canvas": canvas or GREETING, **more}
        answer = await self.post("/workflows", body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def agent(self, project_id: str, **more: Any) -> dict[str, Any]:
        """Create an agent, by default one that plays the script it is given."""
        body = {"project_id": project_id, "name": "Desk", "model": "echo:script", **more}
        answer = await self.post("/agents", body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def conversation(self, agent_id: str, **more: Any) -> str:
        """Begin a conversation with an agent and return its id."""
        answer = await self.post("/conversations", {"agent_id": agent_id, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def _headers(self, method: str) -> dict[str, str]:
        headers = {"X-API-Key": self.key} if self.key else {}
        if self.csrf and method != "GET":
            headers["X-CSRF-Token"] = self.csrf
        return headers


@dataclass
class Api:
    """A running Orbiter and whoever calls it."""

    container: Container
    transport: httpx.ASGITransport
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def caller(self, key: str | None = None) -> Caller:
        """Return a caller that has not signed in."""
        self.clients.append(httpx.AsyncClient(transport=self.transport, base_url=BASE_URL))
        return Caller(self.clients[-1], key=key)

    async def admin(self) -> Caller:
        """Return the admin of a new workspace."""
        return await self.caller().sign_up()

    async def member(self, admin: Caller, role: str) -> Caller:
        """Return a new member of an admin's workspace."""
        email = f"{uuid4()}@example.org"
        invited = await admin.post("/members", {"email": email, "role": role})
        return await self.caller().sign_up(email, invite_token=invited.json()["invite_token"])


@asynccontextmanager
async def running(
    storage: Storage | None = None,
    clock: Clock | None = None,
    gateway: ModelGateway | None = None,
    **settings: Any,
) -> AsyncIterator[Api]:
    """Run Orbiter in memory, with cheap password hashes and no rate limits unless set."""
    container = in_memory(**{"rate_limits": None, **settings})
    if storage is not None:
        container.storage.override(storage)
    if clock is not None:
        container.clock.override(clock)
    if gateway is not None:
        container.gateway.override(gateway)
    container.passwords.override(Argon2PasswordHasher(memory_kib=64, passes=1))
    core = container.core()
    await core.start()
    api = Api(
        container, httpx.ASGITransport(cast(Any, container.app()), raise_app_exceptions=False)
    )
    try:
        yield api
    finally:
        for client in api.clients:
            await client.aclose()
        await core.stop(0)


def node(id: str, type: str, config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a node as it is sent."""
    return {"id": id, "type": type, "config": config or {}, **more}


def edge(source: str, target: str, handle: str | None = None) -> dict[str, Any]:
    """Return an edge as it is sent."""
    made = {"id": f"{source}-{handle or ''}-{target}", "source": source, "target": target}
    return {**made, "source_handle": handle} if handle else made


GREETING = {
    "nodes": [
        node("start", "start"),
        node("greet", "template", {"template": "Hello {{ inputs.name }}"}),
        node("end", "end"),
    ],
    "edges": [edge("start", "greet"), edge("greet", "end")],
}
