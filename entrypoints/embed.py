"""Orbiter inside a program of yours: the core without a server."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from orbiter.adapters.http.canvas import CanvasIn, drawn
from orbiter.adapters.http.validation import problems_of
from orbiter.application.authentication import actor_of
from orbiter.application.credentials import NO_WORKSPACE
from orbiter.application.facade import Orbiter
from orbiter.application.paging import PageRequest
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.errors import Invalid, NotFound
from orbiter.domain.identity import Actor, Role
from orbiter.domain.workflows import Canvas
from orbiter.entrypoints import container
from orbiter.entrypoints.data_folder import DataFolderUnusable
from orbiter.entrypoints.lifecycle import running
from orbiter.entrypoints.settings import Settings

__all__ = [
    "DataFolderUnusable",
    "PageRequest",
    "builtin_tool",
    "canvas",
    "connect",
    "in_memory",
    "member",
    "script",
]


def in_memory(**settings: Any) -> Orbiter:
    """Return a core that keeps nothing; *settings* are fields of `Settings`, such as
    `egress_allow=EgressAllowlist.parse("127.0.0.1")`.

    It is ready at once, and needs no `stop` when the loop it ran in ends.
    """
    core: Orbiter = container.in_memory(**settings).core()
    return core


@asynccontextmanager
async def connect(url: str, **settings: Any) -> AsyncIterator[Orbiter]:
    """Give a core over the database at *url*, whose schema is brought up to date.

    `sqlite+aiosqlite:////folder/orbiter.db` or `postgresql+asyncpg://…`. Raise DataFolderUnusable
    when somebody else is at work on the SQLite file, Unavailable when the database does not answer.
    """
    assembled = container.Container(settings=Settings(database_url=url, **settings))
    async with running(assembled) as core:
        yield core


async def member(core: Orbiter, email: str, role: Role = Role.ADMIN) -> Actor:
    """Return the user of that e-mail as somebody who acts, made with *role* if there is none.

    For programs that have authenticated their users themselves. A user that is made joins the
    oldest workspace and can't sign in by password until it is reset.
    """
    async with core.storage.open(NO_WORKSPACE, reading=True) as uow:
        user = await uow.credentials.user_by_email(email)
    if user is None:
        password = secrets.token_urlsafe(32)
        user = await core.accounts.create(email=email, password=password, role=role)
    return actor_of(user)


def canvas(sent: Mapping[str, Any]) -> Canvas:
    """Return a canvas from the JSON that HTTP takes; raise Invalid with everything wrong in it."""
    problems = problems_of(sent, CanvasIn)
    if problems:
        raise Invalid(problems)
    return drawn(msgspec.convert(sent, CanvasIn))


def script(*entries: Mapping[str, Any]) -> str:
    """Return the message that lets `echo:script` play *entries*, one for each call of the model.

    An entry has `text` or `tool_calls` of `{"name": …, "arguments": {…}}`, and may have `usage`,
    `delay_ms` and `error` of `{"status": …, "message": …}`; `{{tool_result}}` in a text is what the
    last tool gave.
    """
    return json.dumps({"script": entries})


def builtin_tool(name: str) -> str:
    """Return the id of the built-in tool of that name, or raise NotFound."""
    for tool in BUILTIN_TOOLS.values():
        if tool.name == name:
            return tool.id
    raise NotFound("Tool")
