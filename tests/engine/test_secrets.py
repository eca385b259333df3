"""Secrets in what is executed: where they work, who sees them, and when."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from orbiter.adapters.memory.mailer import MemoryMailer
from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.outbound import OutboundRequest
from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.tools import ToolKind
from orbiter.domain.workflows import OnError
from support.agents import Studio
from support.graphs import NOBODY, Laboratory, graph, node
from support.hiding import NAMED, TOKEN, URL, Echo, change, keep, line, run, shown
from support.power import House

START = node("start", "start")


class TestUse:
    async def test_in_every_part_of_a_request(self) -> None:
        call = node(
            "call",
            "http",
            method="POST",
            url="https://service.test/{{ secrets.TOKEN | urlencode }}",
            query={"key": NAMED},
            headers={"X-Key": NAMED},
            body={"deep": [{"key": "it is " + NAMED}]},
            auth={"type": "bearer", "token": NAMED},
        )
        traced, (heard,) = await run(call)
        assert traced.run.error is None
        assert heard.url == "https://service.test/s3cr/et%26%3Cto%20ken%3E%22%27%5C%C3%BC"
        assert heard.query == {"key": TOKEN}
        assert heard.headers["x-key"] == TOKEN
        assert heard.headers["authorization"] == f"Bearer {TOKEN}"
        assert json.loads(heard.body or b"") == {"deep": [{"key": f"it is {TOKEN}"}]}
        assert traced.one("call").input["body"] == {"deep": [{"key": "it is ***"}]}
        assert traced.one("call").output["body"]["query"] == {"key": "***"}

    @pytest.mark.parametrize("user", ["", "a", "ab", "abc"])
    async def test_as_a_password(self, user: str) -> None:
        value = "correct-horse-battery"
        auth = {"type": "basic", "username": f"{user}x", "password": NAMED}
        traced, (heard,) = await run(node("call", "http", url=URL, auth=auth), value=value)
        header = base64.b64encode(f"{user}x:{value}".encode()).decode()
        assert heard.headers["authorization"] == f"Basic {header}"
        echoed = traced.one("call").output["body"]["headers"]["authorization"]
        assert "***" in echoed and header[8:] not in echoed

    async def test_in_headers_of_any_name(self) -> None:
        auth = {"type": "header", "name": "X-Key", "value": NAMED}
        _, (heard,) = await run(node("call", "http", url=URL, auth=auth))
        assert heard.headers["x-key"] == TOKEN

    async def test_in_a_webhook_and_its_signature(self) -> None:
        channel = {"type": "webhook", "url": URL + "?{{ secrets.TOKEN | urlencode }}"}
        plain = node("plain", "notify", channel=channel, message=NAMED)
        sealed = node("sealed", "notify", channel={**channel, "secret": NAMED}, message=NAMED)
        traced, (first, second) = await run(plain, sealed)
        assert traced.run.error is None
        assert json.loads(first.body or b"")["message"] == TOKEN
        assert "x-orbiter-signature" in second.headers

    async def test_in_a_mail(self) -> None:
        mailer = MemoryMailer()
        channel = {"type": "email", "to": ["ada@example.org"]}
        tell = node("tell", "notify", channel=channel, subject="A", message="It is " + NAMED)
        await run(tell, lab=Laboratory(mailer=mailer))
        assert mailer.sent[0].text == f"It is {TOKEN}"

    async def test_in_templates_of_every_kind_of_node(self) -> None:
        traced, heard = await run(
            node("text", "template", template="<" + NAMED + ">"),
            node("named", "variable", name="key", value={"a": [NAMED]}),
            node("shape", "transform", mapping={"key": NAMED, "n": 1}),
            node("picked", "transform", expression="[secrets.TOKEN, nodes.shape.output.key]"),
            node("loop", "loop", items="[secrets.TOKEN, 'plain']"),
            node("turn", "template", inside="loop", template="{{ item }} {{ secrets.TOKEN }}"),
            node(
                "call",
                "http",
                method="POST",
                url=URL,
                body="""{{ [nodes.text.output, vars.key.a, nodes.shape.output.key,
                    nodes.picked.output, nodes.loop.output] }}""",
            ),
        )
        assert json.loads(heard[0].body or b"") == [
            f"<{TOKEN}>",
            [TOKEN],
            TOKEN,
            [TOKEN, TOKEN],
            [f"{TOKEN} {TOKEN}", f"plain {TOKEN}"],
        ]
        assert traced.one("text").output == "<***>"
        assert traced.one("picked").output == ["***", "***"]
        assert [step.output for step in traced.of("turn")] == ["*** ***", "plain ***"]

    @pytest.mark.parametrize(("given", "output"), [(TOKEN, "right"), ("other", "wrong")])
    async def test_in_conditions(self, given: str, output: str) -> None:
        lab = Laboratory()
        await keep(lab, "TOKEN", TOKEN)
        cases = [{"handle": "same", "when": "secrets.TOKEN == inputs.given"}]
        drawn = graph(
            START,
            node("check", "condition", cases=cases),
            node("right", "end", output="right"),
            node("wrong", "end", output="wrong"),
            edges="start > check, check.same > right, check.else > wrong",
        )
        assert (await lab.run(drawn, given=given)).output == output

    async def test_in_what_a_failed_node_gives_instead(self) -> None:
        failing = node(
            "failing",
            "template",
            template="{{ inputs.gone }}",
            on_error=OnError.CONTINUE,
            fallback={"key": NAMED},
        )
        call = node("call", "http", url=URL, headers={"x-key": "{{ nodes.failing.output.key }}"})
        traced, (heard,) = await run(failing, call)
        assert heard.headers["x-key"] == TOKEN
        assert traced.one("failing").output == {"key": "***"}

    async def test_in_tools_and_their_arguments(self) -> None:
        studio = Studio(http=(echo := Echo()))
        config = {"url": URL, "method": "POST", "headers": {"x-key": NAMED}}
        tool = await studio.tool(
            "orders", ToolKind.HTTP, {**config, "body": "{{ arguments.of }}"}, of={"type": "string"}
        )
        arguments = {"of": "Ada, " + NAMED}
        use = node("use", "tool", tool_id=tool.id, arguments=arguments)
        traced, _ = await run(use, lab=studio)
        assert traced.run.error is None
        (heard,) = echo.heard
        assert (heard.headers["x-key"], heard.body) == (TOKEN, f"Ada, {TOKEN}".encode())
        whole, call = traced.of("use")
        assert whole.input["arguments"] == call.input == {"of": "Ada, ***"}
        assert whole.output["body"]["headers"]["x-key"] == "***"

    async def test_in_code(self) -> None:
        code = (
            "def main(inputs):\n    print(inputs['key'])\n    return [len(inputs['key']), inputs]"
        )
        traced, _ = await run(node("use", "code", code=code, inputs={"key": NAMED}))
        assert traced.output == [len(TOKEN), {"key": "***"}]
        assert traced.one("use").logs == ("***",)


class TestSight:
    async def test_a_projects_own_wins_and_anothers_is_not_seen(self) -> None:
        lab, other = Studio(), new_id()
        await lab.tool("makes", ToolKind.HTTP, {"url": URL})
        async with lab.kept.open(NOBODY) as uow:
            project = await uow.projects.get(NOBODY)
            await uow.projects.add(replace(project, id=other, name="Another"))
        await keep(lab, "TOKEN", "the workspace's")
        await keep(lab, "TOKEN", "the project's", NOBODY)
        await keep(lab, "SHARED", "shared by all")
        await keep(lab, "OTHER", "the other's", other)
        asks = """{{ [secrets.TOKEN == "the project's", secrets.SHARED == "shared by all"] }}"""
        traced = await lab.run(line(node("text", "template", template=asks)))
        assert traced.output == [True, True]
        traced = await lab.run(line(node("text", "template", template="{{ secrets.OTHER }}")))
        assert traced.failure == ("TEMPLATE_ERROR", "text")

    async def test_an_unknown_name_is_told_and_nothing_of_the_others(self) -> None:
        for template in (
            "{{ secrets.GONE }}",
            "{{ secrets['GONE'] }}",
            "{{ [secrets.GONE] }}",
            "a {{ secrets.TOKEN }} {{ secrets.GONE }}",
        ):
            traced, _ = await run(node("text", "template", template=template))
            assert traced.failure == ("TEMPLATE_ERROR", "text")
            assert traced.run.error is not None
            assert "***" not in traced.run.error.message
            if "[" not in template:
                assert "secrets.GONE" in traced.run.error.message

    async def test_whoever_names_no_secret_has_none_opened(self) -> None:
        counted = Counted()
        lab = Laboratory(http=Echo(), kept=counted)
        await keep(lab, "TOKEN", TOKEN)
        counted.opened = 0
        calls = [node("text", "template", template="Hi"), node("call", "http", url=URL)]
        assert (await lab.run(line(*calls))).run.error is None
        assert counted.opened == 0
        await lab.run(line(node("text", "template", template=NAMED)))
        assert counted.opened == 1

    @pytest.mark.parametrize("expression", ["@", '"\\u0073ecrets"', "*"])
    async def test_whoever_asks_for_all_there_is_sees_no_secret(self, expression: str) -> None:
        traced, _ = await run(node("all", "transform", expression=expression))
        assert TOKEN not in json.dumps(traced.one("all").output, ensure_ascii=False)

    async def test_another_workspaces_is_not_seen(self) -> None:
        lab = Laboratory()
        await keep(lab, "TOKEN", TOKEN, workspace_id=new_id())
        traced = await lab.run(line(node("text", "template", template=NAMED)))
        assert traced.failure == ("TEMPLATE_ERROR", "text")

    async def test_one_that_no_key_opens_is_as_if_it_were_not_there(self) -> None:
        lab = Laboratory()
        secret = await keep(lab, "BROKEN", TOKEN)
        await keep(lab, "TOKEN", TOKEN)
        async with lab.kept.open(NOBODY) as uow:
            await uow.secrets.save(secret.revise(at=secret.updated_at, sealed_value=b"nothing"))
        assert (await lab.run(line(node("text", "template", template=NAMED)))).output == "***"
        traced = await lab.run(line(node("text", "template", template="{{ secrets.BROKEN }}")))
        assert traced.failure == ("TEMPLATE_ERROR", "text")


class TestTime:
    async def test_a_changed_secret_is_used_from_the_next_segment_on(self) -> None:
        echo = Echo()
        lab = Laboratory(http=echo)
        secret = await keep(lab, "TOKEN", "the first value")
        header = {"x-key": "{{ nodes.text.output }}"}
        drawn = line(
            node("text", "template", template=NAMED),
            node("one", "http", url=URL, headers=header),
            node("nap", "delay", seconds=3600),
            node("two", "http", url=URL, headers=header),
        )
        house = House(lab, drawn)
        await house.segment()
        await change(lab, secret, "the second value")
        traced = await house.to_the_end()
        assert traced.run.error is None
        assert [each.headers["x-key"] for each in echo.heard] == [
            "the first value",
            "the second value",
        ]
        for value in ("the first value", "the second value"):
            assert not shown(value, (traced.run, house.disk))

    async def test_a_renamed_secret_has_its_new_name_at_once(self) -> None:
        lab = Laboratory()
        secret = await keep(lab, "TOKEN", TOKEN)
        assert (await lab.run(line(node("text", "template", template=NAMED)))).output == "***"
        async with lab.kept.open(NOBODY) as uow:
            await uow.secrets.save(secret.revise(at=secret.updated_at, name="OTHER"))
        other = line(node("text", "template", template="{{ secrets.OTHER }}"))
        assert (await lab.run(other)).output == "***"
        traced = await lab.run(line(node("text", "template", template=NAMED)))
        assert traced.failure == ("TEMPLATE_ERROR", "text")

    async def test_a_run_whose_secret_is_gone_fails_and_says_which(self) -> None:
        lab = Laboratory(http=Echo())
        secret = await keep(lab, "TOKEN", TOKEN)
        nap = node("nap", "delay", seconds=3600)
        house = House(lab, line(nap, node("call", "http", url=URL, headers={"x-key": NAMED})))
        await house.segment()
        async with lab.kept.open(NOBODY) as uow:
            await uow.secrets.remove(secret.id)
        traced = await house.to_the_end()
        assert traced.failure == ("TEMPLATE_ERROR", "call")
        assert traced.run.error is not None and "secrets.TOKEN" in traced.run.error.message

    @pytest.mark.parametrize("lost", [0, 3])
    async def test_a_crash_at_any_record_changes_nothing(self, lost: int) -> None:
        calm, heard = await _eventful()
        ended = await calm.to_the_end()
        assert ended.run.error is None
        for lives in range(1, calm.recorded + 1):
            house, again = await _eventful(calm.run.id)
            traced = await house.to_the_end(lives, lost=lost)
            assert traced.run.output == ended.run.output
            assert [_plain(step) for step in traced.steps] == [_plain(step) for step in ended.steps]
            assert {_sent(each) for each in again.heard} == {_sent(each) for each in heard.heard}
            assert not shown(TOKEN, (house.run, house.disk))


def _plain(step: Any) -> Any:
    return step.id, step.status, step.input, step.output, step.error, step.logs


def _sent(request: OutboundRequest) -> Any:
    return request.url, request.body, tuple(sorted(request.headers.items()))


async def _eventful(run_id: str | None = None) -> tuple[House, Echo]:
    """Return a run in which much is recorded, and what services hear of it."""
    echo = Echo()
    lab = Laboratory(http=echo)
    await keep(lab, "TOKEN", TOKEN)
    code = "def main(inputs):\n    print(inputs)\n    return {'back': inputs, inputs['key']: 1}"
    text = "{{ nodes.one.output.body.headers['x-key'] }} {{ nodes.code.output }} {{ vars.key }}"
    drawn = line(
        node("header", "template", template="Bearer " + NAMED),
        node("key", "variable", name="key", value=NAMED),
        node("one", "http", url=URL, headers={"x-key": "{{ nodes.header.output }}"}),
        node("code", "code", code=code, inputs={"key": NAMED}),
        node("nap", "delay", seconds=60),
        node("two", "http", method="POST", url=URL, headers={"x-key": NAMED}, body=text),
        node("loop", "loop", items="[secrets.TOKEN, 2]", on_item_error="null"),
        node("turn", "http", inside="loop", url=URL, body="{{ item }}", method="POST"),
        node("wrong", "http", inside="loop", url="{{ secrets[item] }}"),
        node("tell", "notify", channel={"type": "webhook", "url": URL}, message=NAMED),
    )
    return House(lab, drawn, run_id=run_id), echo


@dataclass
class Counted:
    """Storage in memory that counts how often it is opened."""

    storage: MemoryStorage = field(default_factory=MemoryStorage)
    opened: int = 0

    @asynccontextmanager
    async def open(self, workspace_id: str, *, reading: bool = False) -> AsyncIterator[UnitOfWork]:
        self.opened += 1
        async with self.storage.open(workspace_id, reading=reading) as uow:
            yield uow

    async def ready(self) -> None:
        await self.storage.ready()

    async def shrink(self) -> None:
        await self.storage.shrink()

    async def close(self) -> None:
        await self.storage.close()
