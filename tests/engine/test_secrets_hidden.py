"""Secrets in what is executed: whatever is told of it or kept has none."""

import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.client import GuardedHttpClient
from orbiter.application.execution.outcome import MESSAGE_MAX
from orbiter.application.execution.sizes import DEPTH_MAX
from orbiter.application.ports.outbound import OutboundAnswer, OutboundError, OutboundRequest
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.runs import Run, RunError, StepKind
from orbiter.domain.tools import ToolKind
from orbiter.domain.workflows import OnError, Retry
from support.agents import Studio, says, script
from support.graphs import Laboratory, graph, node
from support.hiding import NAMED, TOKEN, URL, Echo, keep, line, run, shown
from support.outbound import answering, serving
from support.power import House

START = node("start", "start")
FORGIVING: Final[Any] = {"on_error": OnError.CONTINUE}


class TestMessages:
    @pytest.mark.parametrize(
        "before", range(MESSAGE_MAX - len("s3cr/et-1234567890") - 2, MESSAGE_MAX)
    )
    async def test_a_long_one_does_not_end_within_a_secret(self, before: int) -> None:
        value = "s3cr/et-1234567890"
        talk = Complaining("x" * before + value)
        branch = node("call", "http", url=URL, headers={"x": NAMED}, retry=Retry(max_attempts=2))
        lab = Laboratory(http=talk)
        traced, _ = await run(branch, lab=lab, value=value)
        assert traced.run.error is not None
        for text in (traced.run.error.message, *traced.one("call").logs):
            assert len(text) <= MESSAGE_MAX + 100
            assert value[:8] not in text
            assert text.rstrip("*").endswith("x" * min(before, MESSAGE_MAX))

    async def test_nor_does_one_that_a_graph_goes_on_with(self) -> None:
        value = "s3cr/et-1234567890"
        call = node("call", "http", url=URL, headers={"x": NAMED}, on_error=OnError.BRANCH)
        lab = Laboratory(http=Complaining("x" * (MESSAGE_MAX - 9) + value))
        await keep(lab, "TOKEN", value)
        told = node("told", "end", output="{{ nodes.call.output }}")
        traced = await lab.run(graph(START, call, told, edges="start > call, call.error > told"))
        assert traced.output["message"] == "x" * (MESSAGE_MAX - 9) + "***"

    async def test_what_is_recorded_of_failures_and_tools_has_none(self) -> None:
        studio = Studio(http=Complaining(f"It is {TOKEN}"))
        await keep(studio, "TOKEN", TOKEN)
        code = "def gives(of: str) -> str:\n    return of"
        tool = await studio.tool("gives", ToolKind.PYTHON, {"code": code}, of={"type": "string"})
        house = House(
            studio,
            line(
                node("use", "tool", tool_id=tool.id, arguments={"of": NAMED}),
                node("call", "http", url=URL, retry=Retry(max_attempts=2), **FORGIVING),
            ),
        )
        assert (await house.to_the_end()).one("call").attempt == 2
        assert "It is ***" in str(house.disk.records)
        assert not shown(TOKEN, house.disk)

    @pytest.mark.parametrize(
        ("type", "config"),
        [
            ("delay", {"seconds": NAMED}),
            ("delay", {"until": NAMED}),
            ("template", {"template": "{{ secrets.TOKEN + 1 }}"}),
            ("template", {"template": "{{ secrets.TOKEN | int }}"}),
            ("template", {"template": "{{ inputs[secrets.TOKEN] }}"}),
            ("template", {"template": "{{ secrets.TOKEN.upper.lower }}"}),
            ("template", {"template": "{{ secrets.TOKEN | round }}"}),
            ("template", {"template": "{{ secrets.TOKEN() }}"}),
            ("transform", {"expression": "abs(secrets.TOKEN)"}),
            ("transform", {"expression": "to_number(secrets)"}),
            ("transform", {"expression": "max_by(secrets, &TOKEN)"}),
            ("loop", {"items": "secrets.TOKEN"}),
            ("http", {"url": "https://{{ secrets.TOKEN }}/"}),
            ("http", {"url": "{{ secrets.TOKEN }}"}),
            ("http", {"url": URL, "headers": {"x": "{{ secrets.TOKEN }}\r\ny: z"}}),
            ("http", {"url": URL, "auth": {"type": "header", "name": NAMED, "value": "x"}}),
            ("notify", {"channel": {"type": "email", "to": [NAMED]}, "message": "x"}),
            ("tool", {"tool_id": NAMED}),
            ("llm", {"model": NAMED, "prompt": NAMED}),
            (
                "code",
                {
                    "code": "def main(inputs):\n    raise ValueError(inputs['key'])",
                    "inputs": {"key": NAMED},
                },
            ),
            (
                "code",
                {
                    "code": "def main(inputs):\n    return {}[inputs['key']]",
                    "inputs": {"key": NAMED},
                },
            ),
        ],
        ids=str,
    )
    @pytest.mark.parametrize(
        "value", [TOKEN, "Host-Key-123.example", "1234567890", "line\nof\nkey"]
    )
    async def test_no_error_quotes_a_secret(
        self, type: str, config: dict[str, Any], value: str
    ) -> None:
        nodes = [node("tried", type, **config)]
        if type == "loop":
            nodes.append(node("turn", "template", inside="tried", template="x"))
        async with outward() as client:
            lab = Laboratory(http=client)
            await keep(lab, "TOKEN", value)
            traced = await House(lab, line(*nodes)).to_the_end()
        for text in (value, value.lower()):
            assert not shown(text, (traced.run, traced.steps))

    async def test_a_bug_tells_the_log_no_secret(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            traced, _ = await run(
                node("call", "http", url=URL, headers={"x": NAMED}), lab=Laboratory(http=Broken())
            )
        assert traced.failure[0] == "INTERNAL_ERROR"
        assert "came upon a bug" in caplog.text and "Broken" in caplog.text
        assert not shown(TOKEN, caplog.text)


class TestChildren:
    @pytest.mark.parametrize("fails", [False, True])
    async def test_a_child_is_given_none_and_gives_none(self, fails: bool) -> None:
        lab, children = Laboratory(), Grown(fails=fails)
        await keep(lab, "TOKEN", TOKEN)
        lab.executor.have(children)
        child = node("child", "workflow", workflow_id="w", inputs={"a": [NAMED]}, **FORGIVING)
        house = House(lab, line(child))
        traced = await house.to_the_end()
        assert children.given == [{"a": ["***"]}]
        assert "It is ***" in str(traced.one("child"))
        assert not shown(TOKEN, (traced.run, house.disk))


class TestShapes:
    @pytest.mark.parametrize(
        "value",
        [
            "value",
            "stdout",
            "failure",
            "completed",
            "status",
            "output",
            "answer",
            "text",
            "logs",
            "finish_reason",
            "stop",
            "message",
            "code",
            "loop",
            "call",
            "null",
            "true",
            "1000",
        ],
    )
    async def test_a_secret_like_a_word_of_orbiters_breaks_nothing(self, value: str) -> None:
        studio = Studio(http=Echo())
        tool = await studio.tool("calls", ToolKind.HTTP, {"url": URL})
        code = "def main(inputs):\n    return {'value': 5}"
        await keep(studio, "TOKEN", value)
        drawn = line(
            node("code", "code", code=code, inputs={"key": NAMED}),
            node("call", "http", url=URL, headers={"x": NAMED}),
            node("use", "tool", tool_id=tool.id, arguments={}),
            node("asks", "llm", model="echo:script", prompt=script(says("fine"))),
            node("loop", "loop", items="[1, 2]", on_item_error="null", timeout=1000),
            node("turn", "http", inside="loop", url=URL),
            node("first", "merge", inside="loop", join="any"),
            node("nap", "delay", seconds=1000),
        )
        traced = await House(studio, drawn).to_the_end()
        assert traced.run.error is None

    async def test_a_body_nested_as_deep_as_json_goes_fails_as_without_secrets(self) -> None:
        deep = b"[" * 900 + b'"x"' + b"]" * 900
        lab = Laboratory(http=Answering(deep))
        traced, _ = await run(node("call", "http", url=URL, headers={"x": NAMED}), lab=lab)
        assert traced.failure == ("OUTPUT_TOO_DEEP", "call")
        assert DEPTH_MAX < 900

    async def test_a_key_of_several_lines_is_hidden_in_logs(self) -> None:
        value = "-----BEGIN KEY-----\nabcdefghijklmnop\nqrstuvwxyz\n-----END KEY-----"
        studio = Studio()
        code = "def prints(of: str) -> str:\n    print(of)\n    return 'done'"
        tool = await studio.tool("prints", ToolKind.PYTHON, {"code": code}, of={"type": "string"})
        use = node("use", "tool", tool_id=tool.id, arguments={"of": NAMED})
        print_ = "def main(inputs):\n    print(inputs['key'])\n    return 1"
        traced, _ = await run(
            use, node("code", "code", code=print_, inputs={"key": NAMED}), lab=studio, value=value
        )
        assert traced.run.error is None
        logs = [line for step in traced.steps for line in step.logs]
        assert logs and "abcdefghijklmnop" not in str(logs)

    async def test_files_of_a_run_hold_none(self) -> None:
        studio = Studio()
        named = "of {{ secrets.TOKEN }}.txt"
        arguments = [{"path": "notes.txt", "content": NAMED}, {"path": named, "content": "x"}]
        ids = {tool.name: tool.id for tool in BUILTIN_TOOLS.values()}
        traced, _ = await run(
            *(
                node(f"n{at}", "tool", tool_id=ids["write_file"], arguments=each, **FORGIVING)
                for at, each in enumerate(arguments)
            ),
            lab=studio,
        )
        artifacts = studio.world.artifacts
        assert await artifacts.read(traced.run.id, "notes.txt") == "***"
        assert not shown(TOKEN, await artifacts.list(traced.run.id))

    async def test_a_model_named_by_a_secret_is_not_told(self) -> None:
        studio = Studio()
        await studio.tool("makes", ToolKind.HTTP, {"url": URL})
        ask = node("ask", "llm", model=NAMED, prompt="{{ secrets.TOKEN }}!")
        traced, _ = await run(ask, lab=studio, value="echo:echo")
        assert traced.output == "***!"
        (call,) = [step for step in traced.steps if step.kind is StepKind.MODEL]
        assert (call.name, call.model) == ("***", "***")

    @pytest.mark.parametrize("prompt", ["plain", NAMED, "a {{ secrets.TOKEN | tojson }}"])
    async def test_a_model_that_was_told_one_speaks_when_it_is_done(self, prompt: str) -> None:
        studio = Studio()
        await studio.tool("makes", ToolKind.HTTP, {"url": URL})
        ask = node("ask", "llm", model="echo:echo", prompt=prompt, system="{{ secrets.TOKEN[:1] }}")
        traced, _ = await run(ask, lab=studio)
        assert traced.run.error is None
        assert studio.gateway.aloud == [prompt == "plain"]

    async def test_large_answers_hide_what_they_hold(self) -> None:
        body = b"a" * 70_000 + TOKEN.encode() + b"b" * 70_000
        lab = Laboratory(http=Answering(body))
        traced, _ = await run(node("call", "http", url=URL, headers={"x": NAMED}), lab=lab)
        assert traced.output["body"] == "a" * 70_000 + "***" + "b" * 70_000

    async def test_real_sockets_carry_it(self) -> None:
        talk = answering(body=b"plain-token-1234", headers={"x-a": "plain-token-1234"})
        async with serving(talk) as server, outward() as client:
            lab = Laboratory(http=client)
            call = node(
                "call",
                "http",
                url=server.url("/") + "{{ secrets.TOKEN }}",
                headers={"X-Key": NAMED},
                auth={"type": "basic", "username": "ada", "password": NAMED},
            )
            traced, _ = await run(call, lab=lab, value="plain-token-1234")
        (heard,) = server.heard
        assert heard.target == "/plain-token-1234"
        assert heard.headers["x-key"] == "plain-token-1234"
        pair = base64.b64decode(heard.headers["authorization"].removeprefix("Basic "))
        assert pair == b"ada:plain-token-1234"
        assert traced.output["body"] == "***"


@dataclass
class Grown:
    """Children that end at once, and tell what they know from elsewhere."""

    fails: bool
    given: list[Any] = field(default_factory=list)

    async def start(
        self,
        parent: Run,
        child_id: str,
        workflow_id: str,
        *,
        inputs: Any,
        version: int | None = None,
    ) -> None:
        self.given.append(inputs)

    async def ended(self, parent: Run, child_id: str) -> Run | None:
        told, at = f"It is {TOKEN}", parent.queued_at
        if self.fails:
            return parent.fail(RunError(code="BROKEN", message=told), at=at)
        return parent.complete(told, at=at)

    async def cancel(self, parent: Run, child_id: str) -> None:
        """Whoever has ended can't be cancelled."""

    async def cancel_all(self, parent: Run) -> None:
        """There is none that has not ended."""


@dataclass
class Complaining:
    """Fails with a message."""

    message: str

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        raise OutboundError("CONNECTION_FAILED", self.message)


@dataclass
class Answering:
    """Always gives the same body."""

    body: bytes

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        return OutboundAnswer(
            status=200, headers={"content-type": "application/json"}, body=self.body
        )


class Broken:
    """Has a bug, which quotes what it was given."""

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        raise RuntimeError(f"Broken by {request.headers}")


@asynccontextmanager
async def outward() -> AsyncIterator[GuardedHttpClient]:
    """A client that reaches this machine alone."""
    client = GuardedHttpClient(EgressAllowlist.parse("127.0.0.1"))
    yield client
    await client.close()
