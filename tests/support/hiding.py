"""Secrets that runs use, a service that sends back all it hears, and where secrets must not be."""

import base64
import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, Final
from urllib.parse import quote, quote_plus

from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.outbound import OutboundAnswer, OutboundRequest
from orbiter.application.secrets import KIND
from orbiter.domain.secrets import Secret
from orbiter.domain.workflows import Node, WorkflowVersion
from support.clock import START
from support.graphs import NOBODY, Laboratory, Traced, graph, node

TOKEN: Final = "s3cr/et&<to ken>\"'\\ü"
NAMED: Final = "{{ secrets.TOKEN }}"
URL: Final = "https://service.test/items"


async def keep(
    lab: Laboratory, name: str, value: str, project_id: str | None = None, **more: str
) -> Secret:
    """Let the workspace that laboratories run in have a secret, or a project of it."""
    workspace_id, id = more.get("workspace_id", NOBODY), new_id()
    secret = Secret(
        id=id,
        workspace_id=workspace_id,
        project_id=project_id,
        name=name,
        sealed_value=lab.seals.seal(KIND, workspace_id, id, value),
        created_by=NOBODY,
        created_at=START,
        updated_at=START,
    )
    async with lab.kept.open(workspace_id) as uow:
        await uow.secrets.add(secret)
    return secret


async def change(lab: Laboratory, secret: Secret, value: str) -> None:
    """Give a secret another value."""
    sealed = lab.seals.seal(KIND, secret.workspace_id, secret.id, value)
    async with lab.kept.open(secret.workspace_id) as uow:
        await uow.secrets.save(secret.revise(at=START, sealed_value=sealed))


@dataclass
class Echo:
    """Sends back all it hears, in several ways; keeps what that was."""

    heard: list[OutboundRequest] = field(default_factory=list)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        self.heard.append(request)
        body = (request.body or b"").decode()
        told = {
            "url": request.url,
            "query": dict(request.query),
            "headers": dict(request.headers),
            "body": body,
            "twice": json.dumps(body),
            "page": html.escape(body),
            "as keys": {value: 1 for value in (body, *request.headers.values())},
            "encoded": base64.b64encode(b"x" + body.encode()).decode(),
        }
        headers = {"content-type": "application/json", "x-echo": quote(body)}
        return OutboundAnswer(status=200, headers=headers, body=json.dumps(told).encode())


def shown(secret: str, value: Any) -> list[str]:
    """Return the texts in *value*, of whatever kind it is, that show the secret."""
    forms = {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        html.escape(secret),
        repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }
    return [text for text in texts_in(value) if any(form in text for form in forms)]


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in data, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts_in(key)
            yield from texts_in(inner)
    elif isinstance(value, Sequence | set):
        for inner in value:
            yield from texts_in(inner)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from texts_in(asdict(value))
    else:
        yield str(value)


def line(*nodes: Node) -> WorkflowVersion:
    """Return a graph of the nodes, one after another."""
    ids = ["start", *(each.id for each in nodes if each.parent_id is None), "end"]
    edges = ", ".join(f"{source} > {target}" for source, target in zip(ids, ids[1:], strict=False))
    return graph(node("start", "start"), *nodes, node("end", "end"), edges=edges)


async def run(
    *nodes: Node, value: str = TOKEN, lab: Laboratory | None = None, **inputs: Any
) -> tuple[Traced, list[OutboundRequest]]:
    """Return a run that may use the secret TOKEN, which is not seen, and what a service heard."""
    echo = Echo()
    lab = lab or Laboratory(http=echo)
    await keep(lab, "TOKEN", value)
    traced = await lab.run(line(*nodes), **inputs)
    assert not shown(value, (traced.run, traced.steps))
    return traced, echo.heard
