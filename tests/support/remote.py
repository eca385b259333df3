"""A server of tools by the Model Context Protocol, as the official SDK serves it, on a socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class RemoteHost:
    """Where the server is, its tools, and the headers of each request it got."""

    tools: MCPServer
    url: str = ""
    heard: list[dict[str, str]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


def a_shop(host: RemoteHost) -> None:
    """Offer tools of all sorts."""
    server = host.tools

    @server.tool(description="Adds two numbers")
    def add(a: int, b: int) -> int:
        return a + b

    @server.tool(name="look.up order", structured_output=False)
    def look_up(order: str) -> list[str]:
        return [f"Order {order}", "is open"]

    @server.tool()
    def fail(reason: str) -> str:
        raise ValueError(reason)

    @server.tool(structured_output=False)
    def echo_key() -> str:
        return str(host.heard[-1].get("x-key"))

    @server.tool(structured_output=False)
    async def hang() -> str:
        host.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            host.cancelled.set()
            raise
        return "never"

    @server.tool(structured_output=False)
    def flood(size: int) -> str:
        return "x" * size


@asynccontextmanager
async def hosting(
    offer: Callable[[RemoteHost], None] = a_shop, **options: Any
) -> AsyncIterator[RemoteHost]:
    """Serve tools on a loopback port; *options* are those of the SDK's app."""
    host = RemoteHost(MCPServer("shop"))
    offer(host)
    app = _listening_to(host.tools.streamable_http_app(**options), host)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        host.url = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        config = uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.005)
        try:
            yield host
        finally:
            server.should_exit = True
            await serving


def _listening_to(app: ASGIApp, host: RemoteHost) -> ASGIApp:
    async def listen(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            pairs = ((name.decode(), value.decode()) for name, value in scope["headers"])
            host.heard.append(dict(pairs))
            host.methods.append(scope["method"])
        await app(scope, receive, send)

    return listen
