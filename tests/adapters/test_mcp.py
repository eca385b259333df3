"""Remote tools: a server as the official SDK serves it, an older one, and hostile ones."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from orbiter.adapters.mcp.remote import ANSWER_BYTES, McpTools
from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.transport import guarded_client
from orbiter.application.ports.outbound import OutboundError
from orbiter.application.ports.remote_tools import (
    RESULT_MAX,
    TOOLS_MAX,
    RemoteResult,
    RemoteServer,
)
from orbiter.domain.tools import DESCRIPTION_MAX
from support.outbound import Heard, Server, Talk, answering, redirecting, serving
from support.remote import RemoteHost, hosting
from support.vendors.serving import chunk, event, head, send_stream

MODES: Final[list[dict[str, Any]]] = [{}, {"json_response": True}, {"stateless_http": True}]
SCHEMA: Final = {"type": "object"}


@asynccontextmanager
async def reaching(allow: str = "127.0.0.1") -> AsyncIterator[McpTools]:
    """Give what reaches servers of this machine."""

    def connect() -> Any:
        return guarded_client(EgressAllowlist.parse(allow), max_answer_bytes=ANSWER_BYTES)

    remote = McpTools(connect)
    try:
        yield remote
    finally:
        await remote.close()


def at(host: RemoteHost | Server, **more: Any) -> RemoteServer:
    url = host.url if isinstance(host, RemoteHost) else host.url("/mcp")
    return RemoteServer(url=url, **{"timeout_seconds": 10, **more})


async def given(host: RemoteHost | Server, name: str, **arguments: Any) -> RemoteResult:
    """Return what a tool of a server gives."""
    async with reaching() as remote:
        return await remote.call(at(host), name, arguments)


async def failure(talk: Talk, *, call: bool = False, **more: Any) -> OutboundError:
    """Return how asking a server fails that answers like that."""
    async with serving(talk) as server, reaching() as remote:
        with pytest.raises(OutboundError) as failed:
            if call:
                await remote.call(at(server, **more), "tool", {})
            else:
                await remote.offers(at(server, **more))
    return failed.value


def an_old_server(
    result: Any = None,
    *,
    tools: Iterable[Any] = (),
    methods: Mapping[str, Any] | None = None,
) -> Talk:
    """Speak the protocol as of 2025, with sessions; *result* is what each call of a tool gives.

    *methods* are others' results, or functions of what is asked.
    """
    results: dict[str, Any] = {
        "initialize": {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "old", "version": "1"},
        },
        "tools/list": {"tools": list(tools)},
        "tools/call": result,
        **(methods or {}),
    }

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        if heard.method == "DELETE":
            return await answering()(heard, writer)
        asked = json.loads(heard.body)
        if "id" not in asked:
            return await answering("202 Accepted")(heard, writer)
        method = asked["method"]
        if method not in results:
            return await answering("400 Bad Request", body=b"what?")(heard, writer)
        said = results[method](asked) if callable(results[method]) else results[method]
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": said}).encode()
        headers = {"content-type": "application/json"}
        if method == "initialize":
            headers["mcp-session-id"] = "s-1"
        await answering(headers=headers, body=body)(heard, writer)

    return talk


def text(said: str) -> Mapping[str, Any]:
    return {"content": [{"type": "text", "text": said}]}


def methods_of(server: Server) -> list[str]:
    return [
        heard.method if heard.method != "POST" else json.loads(heard.body)["method"]
        for heard in server.heard
    ]


@pytest.mark.parametrize("mode", MODES)
class TestServers:
    async def test_what_it_offers_is_listed(self, mode: dict[str, Any]) -> None:
        async with hosting(**mode) as host, reaching() as remote:
            offers = {each.name: each for each in await remote.offers(at(host))}
        assert list(offers) == ["add", "look.up order", "fail", "echo_key", "hang", "flood"]
        assert offers["add"].description == "Adds two numbers"
        assert offers["add"].parameters["required"] == ["a", "b"]

    async def test_structured_content_comes_before_text(self, mode: dict[str, Any]) -> None:
        async with hosting(**mode) as host:
            assert await given(host, "add", a=1, b=2) == RemoteResult(output={"result": 3})
            order = await given(host, "look.up order", order="7")
        assert order == RemoteResult(output="Order 7\nis open")

    async def test_a_tool_tells_of_its_failure(self, mode: dict[str, Any]) -> None:
        async with hosting(**mode) as host:
            failed = await given(host, "fail", reason="no")
            unknown = await given(host, "nothing")
        assert failed == RemoteResult(output="Error executing tool fail", failed=True)
        assert unknown.failed and "nothing" in unknown.output

    async def test_headers_go_with_each_request(self, mode: dict[str, Any]) -> None:
        async with hosting(**mode) as host, reaching() as remote:
            result = await remote.call(at(host, headers={"X-Key": "k-1"}), "echo_key", {})
        assert result.output == "k-1"
        assert {heard["x-key"] for heard in host.heard} == {"k-1"}

    async def test_what_hangs_ends_in_time(self, mode: dict[str, Any]) -> None:
        async with hosting(**mode) as host, reaching() as remote:
            begun = time.monotonic()
            with pytest.raises(OutboundError) as failed:
                await remote.call(at(host, timeout_seconds=0.5), "hang", {})
            assert failed.value.code == "HTTP_TIMEOUT"
            assert 0.4 < time.monotonic() - begun < 2

    async def test_cancelling_ends_the_connection_at_once(self, mode: dict[str, Any]) -> None:
        async with hosting(**mode) as host, reaching() as remote:
            calling = asyncio.create_task(remote.call(at(host, timeout_seconds=60), "hang", {}))
            await host.begun.wait()
            begun = time.monotonic()
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
            assert time.monotonic() - begun < 1

    async def test_a_result_is_bounded(self, mode: dict[str, Any]) -> None:
        async with hosting(**mode) as host:
            assert len((await given(host, "flood", size=RESULT_MAX - 2)).output) == RESULT_MAX - 2
            for size in (RESULT_MAX, 2 * ANSWER_BYTES):
                with pytest.raises(OutboundError) as failed:
                    await given(host, "flood", size=size)
                assert failed.value.code == "RESPONSE_TOO_LARGE"


class TestOlderServers:
    async def test_a_session_is_begun_and_ended(self) -> None:
        async with serving(an_old_server(text("done"))) as server:
            assert await given(server, "tool", a=1) == RemoteResult(output="done")
        assert methods_of(server) == [
            "server/discover",
            "initialize",
            "notifications/initialized",
            "tools/call",
            "DELETE",
        ]
        assert [heard.headers.get("mcp-session-id") for heard in server.heard[2:]] == ["s-1"] * 3
        assert json.loads(server.heard[3].body)["params"] == {
            "name": "tool",
            "arguments": {"a": 1},
        }

    async def test_cancelling_is_not_held_up_by_the_end_of_a_session(self) -> None:
        called = asyncio.Event()
        old = an_old_server(text("done"))

        async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
            if heard.method == "DELETE" or b"tools/call" in heard.body:
                called.set()
                await asyncio.Event().wait()
            await old(heard, writer)

        async with serving(talk) as server, reaching() as remote:
            calling = asyncio.create_task(remote.call(at(server, timeout_seconds=60), "t", {}))
            await called.wait()
            begun = time.monotonic()
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
            assert time.monotonic() - begun < 2

    async def test_what_is_no_text_is_named(self) -> None:
        content = [
            {"type": "text", "text": "See"},
            {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "resource_link", "uri": "file:///a.txt", "name": "a"},
            {"type": "resource", "resource": {"uri": "file:///b.txt", "text": "Inside"}},
            {"type": "resource", "resource": {"uri": "file:///c", "blob": "aGk="}},
        ]
        async with serving(an_old_server({"content": content})) as server:
            result = await given(server, "tool")
        assert result.output.splitlines() == [
            "See",
            "[image/png, 4 characters of base64 left out]",
            "file:///a.txt",
            "Inside",
            "[resource left out]",
        ]

    async def test_pages_are_followed_to_their_end(self) -> None:
        def pages(asked: Any) -> Any:
            at = int((asked.get("params") or {}).get("cursor") or 0)
            tools = [{"name": f"t{at}", "inputSchema": SCHEMA}]
            return {"tools": tools, **({"nextCursor": str(at + 1)} if at < 2 else {})}

        async with (
            serving(an_old_server(methods={"tools/list": pages})) as server,
            reaching() as remote,
        ):
            names = [each.name for each in await remote.offers(at(server))]
        assert names == ["t0", "t1", "t2"]

    async def test_descriptions_are_cut(self) -> None:
        tool = {"name": "t", "description": "d" * 9999, "inputSchema": SCHEMA}
        async with serving(an_old_server(tools=[tool])) as server, reaching() as remote:
            (offer,) = await remote.offers(at(server))
        assert len(offer.description) == DESCRIPTION_MAX

    async def test_results_are_not_checked_by_patterns_of_the_servers(self) -> None:
        """A pattern that takes for ever must not hold everybody up."""
        schema = {"type": "object", "properties": {"a": {"pattern": "^(a+)+$"}}}
        tool = {"name": "tool", "inputSchema": SCHEMA, "outputSchema": schema}
        result = {"content": [], "structuredContent": {"a": "a" * 40 + "!"}}
        async with serving(an_old_server(result, tools=[tool])) as server:
            begun = time.monotonic()
            assert (await given(server, "tool")).output == {"a": "a" * 40 + "!"}
            assert time.monotonic() - begun < 2
        assert "tools/list" not in methods_of(server)


class TestHostileServers:
    @pytest.mark.parametrize(
        ("talk", "code"),
        [
            (answering("500 Broken"), "REMOTE_REFUSED"),
            (answering("401 No", {"content-type": "application/json"}, b"{}"), "REMOTE_REFUSED"),
            (answering(), "REMOTE_REFUSED"),
            (answering(headers={"content-type": "text/html"}, body=b"<p>"), "REMOTE_REFUSED"),
            (answering(headers={"content-type": "application/json"}, body=b"{"), "INVALID_ANSWER"),
            (answering(headers={"content-type": "text/event-stream"}), "REMOTE_REFUSED"),
            (answering("202 Accepted"), "REMOTE_REFUSED"),
            (redirecting("http://10.0.0.1/"), "TOO_MANY_REDIRECTS"),
            (redirecting("/elsewhere", 307), "TOO_MANY_REDIRECTS"),
            (an_old_server(methods={"initialize": {"protocolVersion": "1"}}), "INVALID_ANSWER"),
            (an_old_server(methods={"initialize": {}}), "INVALID_ANSWER"),
            (an_old_server(methods={"tools/list": {}}), "INVALID_ANSWER"),
            (an_old_server(tools=[{"name": 5, "inputSchema": {}}]), "INVALID_ANSWER"),
            (an_old_server(tools=[{"name": "", "inputSchema": SCHEMA}]), "INVALID_ANSWER"),
            (an_old_server(tools=[{"name": "a\nb", "inputSchema": SCHEMA}]), "INVALID_ANSWER"),
            (
                an_old_server(
                    tools=[
                        {"name": f"t{each}", "inputSchema": SCHEMA} for each in range(TOOLS_MAX + 1)
                    ]
                ),
                "TOO_MANY_TOOLS",
            ),
            (
                an_old_server(methods={"tools/list": {"tools": [], "nextCursor": "again"}}),
                "INVALID_ANSWER",
            ),
        ],
    )
    async def test_nonsense_is_a_clear_failure(self, talk: Talk, code: str) -> None:
        begun = time.monotonic()
        assert (await failure(talk)).code == code
        assert time.monotonic() - begun < 5

    @pytest.mark.parametrize("result", [None, 5, {}, {"content": 5}, {"content": [{"type": "?"}]}])
    async def test_a_result_that_is_none_is_told(self, result: Any) -> None:
        failed = await failure(an_old_server(result), call=True)
        assert failed.code in ("INVALID_ANSWER", "REMOTE_REFUSED")

    async def test_the_place_that_makes_no_sense_is_told(self) -> None:
        offered = [{"name": "a", "inputSchema": SCHEMA}, {"name": "b", "inputSchema": {}}]
        failed = await failure(an_old_server(tools=offered))
        assert failed.message == "The server's answer makes no sense at tools.1.inputSchema.type"

    async def test_a_refusal_tells_the_status(self) -> None:
        failed = await failure(answering("403 Forbidden"))
        assert failed.message.startswith("The server answered with status 403")

    async def test_what_a_server_says_is_cut(self) -> None:
        error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32602, "message": "x" * 9000}}
        body = json.dumps(error).encode()
        json_type = {"content-type": "application/json"}
        failed = await failure(answering("400 Bad", json_type, body))
        assert len(failed.message) < 600

    @pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
    async def test_what_can_not_be_read_is_not_quoted_in_the_log(
        self, kind: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        body = b'data: {"key-4711": \n\n' if "stream" in kind else b'{"key-4711": '
        failed = await failure(answering(headers={"content-type": kind}, body=body))
        assert "4711" not in failed.message
        assert "4711" not in caplog.text

    async def test_it_may_not_answer_at_all(self) -> None:
        async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        begun = time.monotonic()
        assert (await failure(talk, timeout_seconds=0.3)).code == "HTTP_TIMEOUT"
        assert time.monotonic() - begun < 2

    @pytest.mark.parametrize(
        "line", [b": ping\n\n", b"x", event({"jsonrpc": "2.0", "method": "m"})]
    )
    async def test_a_stream_that_does_not_end_does(self, line: bytes) -> None:
        async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(
                head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
            )
            while True:
                writer.write(chunk(line * 100))
                await writer.drain()
                await asyncio.sleep(0)

        begun = time.monotonic()
        failed = await failure(talk, timeout_seconds=2)
        assert failed.code in ("HTTP_TIMEOUT", "RESPONSE_TOO_LARGE", "REMOTE_REFUSED")
        assert time.monotonic() - begun < 6

    async def test_a_body_that_is_huge_is_not_read_whole(self) -> None:
        body = b"[" + b" " * (2 * ANSWER_BYTES)
        failed = await failure(answering(headers={"content-type": "application/json"}, body=body))
        assert failed.code == "RESPONSE_TOO_LARGE"

    async def test_a_stream_that_breaks_tells_why(self) -> None:
        stream = {"content-type": "text/event-stream"}
        huge = answering(headers=stream, body=b": " + b" " * (2 * ANSWER_BYTES))
        assert (await failure(huge)).code == "RESPONSE_TOO_LARGE"

        async def cut_off(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(head(200, {**stream, "transfer-encoding": "chunked"}))
            writer.write(chunk(b": ping\n\n"))
            writer.close()

        assert (await failure(cut_off)).code == "CONNECTION_FAILED"

    async def test_a_session_that_is_over_is_no_time_out(self) -> None:
        error = {"code": -32001, "message": "Session not found"}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
        old = an_old_server(text("never"))
        over = answering("404 Gone", {"content-type": "application/json"}, body)

        async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
            await (over if b"tools/call" in heard.body else old)(heard, writer)

        failed = await failure(talk, call=True)
        assert failed.code == "REMOTE_REFUSED"
        assert failed.message.endswith("status 404: Session not found")

    async def test_what_it_asks_of_us_is_refused_and_holds_nothing_up(self) -> None:
        wanted = {"jsonrpc": "2.0", "id": 7, "method": "sampling/createMessage", "params": {}}
        old = an_old_server(text("done"))

        async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
            if b"tools/call" not in heard.body:
                if heard.method == "POST" and "result" not in json.loads(heard.body):
                    body = json.loads(heard.body)
                    if "error" in body:
                        return await answering("202 Accepted")(heard, writer)
                return await old(heard, writer)
            id = json.loads(heard.body)["id"]
            answer = {"jsonrpc": "2.0", "id": id, "result": text("done")}
            await send_stream(writer, [wanted, answer])

        async with serving(talk) as server:
            assert (await given(server, "tool")).output == "done"

    async def test_half_a_character_is_no_text(self) -> None:
        content = b'[{"type": "text", "text": "\\ud800"}]'
        body = b'{"jsonrpc": "2.0", "id": 1, "result": {"content": ' + content + b"}}"
        old = an_old_server()

        async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
            if b"tools/call" not in heard.body:
                return await old(heard, writer)
            id = json.dumps(json.loads(heard.body)["id"]).encode()
            said = body.replace(b'"id": 1', b'"id": ' + id)
            await answering(headers={"content-type": "application/json"}, body=said)(heard, writer)

        assert (await failure(talk, call=True)).code in ("INVALID_ANSWER", "REMOTE_REFUSED")


class TestTheGuard:
    async def test_only_what_is_open_is_reached(self) -> None:
        async with serving(answering()) as server, reaching(allow="") as remote:
            with pytest.raises(OutboundError) as failed:
                await remote.offers(at(server))
        assert failed.value.code == "EGRESS_DENIED" and not server.heard

    async def test_nobody_listens(self) -> None:
        async with reaching() as remote:
            with pytest.raises(OutboundError) as failed:
                await remote.offers(RemoteServer(url="http://127.0.0.1:1/mcp"))
        assert failed.value.code == "CONNECTION_FAILED"

    @pytest.mark.parametrize("url", ["ftp://a.test/", "nonsense", "http://", "http://[::1/"])
    async def test_what_is_no_address_is_told(self, url: str) -> None:
        async with reaching() as remote:
            with pytest.raises(OutboundError) as failed:
                await remote.offers(RemoteServer(url=url))
        assert failed.value.code in ("INVALID_URL", "CONNECTION_FAILED", "INVALID_REQUEST")

    async def test_proxies_of_the_environment_are_not_asked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        async with serving(an_old_server(text("done"))) as server:
            assert (await given(server, "tool")).output == "done"

    async def test_headers_that_http_does_not_allow_are_told(self) -> None:
        async with serving(answering()) as server, reaching() as remote:
            with pytest.raises(OutboundError) as failed:
                await remote.offers(at(server, headers={"x-key": "a\r\nx-evil: 1"}))
        assert failed.value.code == "INVALID_REQUEST" and not server.heard


def test_without_the_sdk_it_says_what_to_install() -> None:
    script = """
import asyncio, sys
sys.modules["mcp"] = None
from orbiter.adapters.mcp.remote import McpTools
from orbiter.application.ports.outbound import OutboundError
from orbiter.application.ports.remote_tools import RemoteServer
try:
    asyncio.run(McpTools(None).offers(RemoteServer(url="https://a.test")))
except OutboundError as error:
    print(error.code, error.message)
"""
    command = [sys.executable, "-c", script]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith("EXTRA_NOT_INSTALLED ") and "orbiter[mcp]" in said
