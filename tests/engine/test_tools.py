"""What tools do: those built in, and those of kinds `http` and `python`; hostile users of them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.client import GuardedHttpClient
from orbiter.adapters.outbound.search import EndpointSearch
from orbiter.adapters.sandbox.monty import MontySandbox
from orbiter.adapters.system.ids import new_id
from orbiter.application.artifacts import FILES_MAX
from orbiter.application.execution.agents.tool_calls import fitted
from orbiter.application.execution.tools import used
from orbiter.application.execution.tools.http_request import BODY_MAX
from orbiter.application.execution.tools.tool_run import ToolRun
from orbiter.application.ports.outbound import OutboundAnswer, OutboundRequest
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.secrets import NO_SECRETS, SecretValues
from orbiter.domain.tools import Tool, ToolKind
from support.builders import a_project, a_tool
from support.graphs import NOBODY, Laboratory
from support.hiding import Echo
from support.outbound import answering, serving

BUILTIN: Final = {tool.name: tool for tool in BUILTIN_TOOLS.values()}
OPEN: Final[Mapping[str, Any]] = {"type": "object"}
RUN: Final = new_id()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MontySandbox]:
    """One for all: calls leave nothing behind in it."""
    sandbox = MontySandbox()
    yield sandbox
    sandbox.close()


@dataclass
class Service:
    """Answers every request with the same, and keeps what it heard."""

    answer: OutboundAnswer
    heard: list[OutboundRequest] = field(default_factory=list)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        self.heard.append(request)
        return self.answer


def saying(body: bytes, status: int = 200, media_type: str = "application/json") -> Service:
    return Service(OutboundAnswer(status=status, headers={"content-type": media_type}, body=body))


async def told(
    tool: Tool | str,
    arguments: Mapping[str, Any] | None = None,
    *,
    lab: Laboratory | None = None,
    secrets: SecretValues = NO_SECRETS,
    run_id: str = RUN,
) -> Mapping[str, Any]:
    """Return what a use of a tool is recorded as."""
    lab = lab or Laboratory()
    tool = BUILTIN[tool] if isinstance(tool, str) else tool
    run = ToolRun(
        tool=tool,
        arguments=fitted(tool.parameters, arguments or {}, lab.schemas),
        workspace_id=NOBODY,
        world=lab.world,
        key="the key",
        run_id=run_id,
        secrets=secrets,
    )
    return await used(run)


async def output(tool: Tool | str, arguments: Any = None, **more: Any) -> Any:
    answer = await told(tool, arguments, **more)
    assert "failure" not in answer, answer
    return answer["output"]


async def code(tool: Tool | str, arguments: Any = None, **more: Any) -> str:
    answer = await told(tool, arguments, **more)
    assert answer["failure"]["message"]
    return str(answer["failure"]["code"])


def request_tool(**config: Any) -> Tool:
    """Return a tool of kind `http` that takes any object."""
    given = {"url": "https://api.test/items", **config}
    return a_tool(a_project(NOBODY), config=given, parameters=OPEN)


def python_tool(source: str) -> Tool:
    return a_tool(a_project(NOBODY), kind=ToolKind.PYTHON, config={"code": source}, parameters=OPEN)


class TestCalculator:
    async def test_it_gives_the_value(self) -> None:
        assert await output("calculator", {"expression": "2 ** 10 / 4"}) == 256.0

    @pytest.mark.parametrize("expression", ["9**9**9", "__import__('os')", "1/0", ""])
    async def test_what_it_can_not_work_out_is_its_failure(self, expression: str) -> None:
        assert await code("calculator", {"expression": expression}) == "CALCULATION_FAILED"


class TestCurrentTime:
    async def test_it_is_utc_unless_told_where(self) -> None:
        lab = Laboratory()
        given = await output("current_time", lab=lab)
        assert given["timezone"] == "UTC"
        assert given["time"] == lab.clock.now().isoformat(timespec="seconds")
        assert given["unix"] == int(lab.clock.now().timestamp())

    async def test_it_is_that_of_the_zone(self) -> None:
        given = await output("current_time", {"timezone": "Asia/Kolkata"})
        assert given["time"].endswith("+05:30")
        assert given["weekday"] in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")

    @pytest.mark.parametrize(
        "name", ["Mars/Olympus", "", "../../etc/passwd", "/etc/passwd", "UTC\0", "x" * 9999, "."]
    )
    async def test_what_is_no_zone_is_told(self, name: str) -> None:
        assert await code("current_time", {"timezone": name}) == "UNKNOWN_TIMEZONE"


class TestRunPython:
    async def test_it_gives_the_last_value_and_what_was_printed(
        self, sandbox: MontySandbox
    ) -> None:
        script = "print('working')\nn * 2"
        answer = await told(
            "run_python", {"code": script, "inputs": {"n": 21}}, lab=Laboratory(sandbox=sandbox)
        )
        assert answer == {
            "output": {"result": 42, "stdout": "working\n"},
            "logs": ["working"],
        }

    async def test_what_was_printed_before_a_failure_is_told(self, sandbox: MontySandbox) -> None:
        script = "print('before')\n1 / 0"
        answer = await told("run_python", {"code": script}, lab=Laboratory(sandbox=sandbox))
        assert answer["failure"]["code"] == "CODE_FAILED"
        assert "ZeroDivisionError" in answer["failure"]["message"]
        assert answer["logs"] == ["before"]

    @pytest.mark.parametrize("script", ["open('/etc/passwd')", "import os\nos.environ"])
    async def test_it_reaches_nothing(self, sandbox: MontySandbox, script: str) -> None:
        assert (
            await code("run_python", {"code": script}, lab=Laboratory(sandbox=sandbox))
        ).startswith("CODE_")


class TestPython:
    async def test_it_calls_the_function_and_keeps_what_it_prints(
        self, sandbox: MontySandbox
    ) -> None:
        tool = python_tool(
            "def _twice(n): return 2 * n\n"
            "def double(n: int, plus: int = 1) -> int:\n"
            "    print('n is', n)\n"
            "    return _twice(n) + plus\n"
        )
        answer = await told(tool, {"n": 4}, lab=Laboratory(sandbox=sandbox))
        assert answer == {"output": 9, "logs": ["n is 4"]}

    async def test_what_it_raises_is_its_failure(self, sandbox: MontySandbox) -> None:
        tool = python_tool(
            "def f(x: int) -> int:\n    print('in')\n    raise ValueError('too odd')"
        )
        answer = await told(tool, {"x": 1}, lab=Laboratory(sandbox=sandbox))
        assert answer["failure"]["code"] == "CODE_FAILED"
        assert "too odd" in answer["failure"]["message"]
        assert answer["logs"] == ["in"]

    async def test_it_can_not_spin_for_ever(self) -> None:
        sandbox = MontySandbox(seconds=0.3)
        tool = python_tool("def f() -> int:\n    while True:\n        pass")
        try:
            assert await code(tool, lab=Laboratory(sandbox=sandbox)) == "CODE_TIMEOUT"
        finally:
            sandbox.close()


class TestHttpRequest:
    async def test_it_sends_what_it_is_told(self) -> None:
        echo = Echo()
        given = await output(
            "http_request",
            {
                "method": "POST",
                "url": "https://api.test/{{ 1 + 1 }}",
                "headers": {"X-A": "1"},
                "query": {"q": ["a", "b"], "n": None},
                "body": {"deep": [1, None]},
            },
            lab=Laboratory(http=echo),
        )
        (heard,) = echo.heard
        assert (heard.method, heard.url) == ("POST", "https://api.test/{{ 1 + 1 }}")
        assert json.loads(heard.body or b"") == {"deep": [1, None]}
        assert heard.headers["x-a"] == "1"
        assert heard.headers["content-type"] == "application/json"
        assert heard.headers["idempotency-key"] == "the key"
        assert heard.query == {"q": ["a", "b"], "n": None}
        assert given["status"] == 200 and given["body"]["url"] == heard.url

    async def test_a_status_is_no_failure_but_an_answer(self) -> None:
        lab = Laboratory(http=saying(b'{"error": "gone"}', status=410))
        given = await output("http_request", {"url": "https://api.test"}, lab=lab)
        assert (given["status"], given["body"]) == (410, {"error": "gone"})

    @pytest.mark.parametrize(
        ("body", "media_type"),
        [
            (b"x" * (BODY_MAX + 1), "text/plain"),
            (json.dumps(["x" * 100] * 2000).encode(), "application/json"),
            (b"\xff\x00" * BODY_MAX, "image/png"),
        ],
    )
    async def test_long_answers_are_cut_and_say_so(self, body: bytes, media_type: str) -> None:
        lab = Laboratory(http=saying(body, media_type=media_type))
        given = await output("http_request", {"url": "https://api.test"}, lab=lab)
        assert (len(given["body"]), given["truncated"]) == (BODY_MAX, True)

    async def test_no_half_of_a_secret_is_left_where_an_answer_is_cut(self) -> None:
        token = "correct-horse-battery"
        body = b"x" * (BODY_MAX - 5) + token.encode() + b"y" * 10
        given = await output(
            "http_request",
            {"url": "https://api.test"},
            lab=Laboratory(http=saying(body, media_type="text/plain")),
            secrets=SecretValues({"TOKEN": token}),
        )
        assert given["body"].endswith("x***yy")

    async def test_it_goes_through_the_guard(self) -> None:
        client = GuardedHttpClient(EgressAllowlist.parse(""))
        for url, expected in (
            ("http://127.0.0.1:1/", "EGRESS_DENIED"),
            ("http://169.254.169.254/latest", "EGRESS_DENIED"),
            ("file:///etc/passwd", "INVALID_URL"),
            ("https://user:pw@api.test/", "INVALID_URL"),
        ):
            lab = Laboratory(http=client)
            assert await code("http_request", {"url": url}, lab=lab) == expected
        await client.close()


class TestHttp:
    async def test_its_parts_are_templates_over_arguments_and_secrets(self) -> None:
        echo = Echo()
        tool = request_tool(
            method="POST",
            url="https://api.test/items/{{ arguments.id }}",
            headers={"X-Name": "{{ arguments.name }}"},
            query={"n": "{{ arguments.n }}", "key": "{{ secrets.KEY }}"},
            body={"all": "{{ arguments }}", "text": "n is {{ arguments.n }}"},
            auth={"type": "bearer", "token": "{{ secrets.KEY }}"},
        )
        given = {"id": "a/b ?", "name": "Ada", "n": 3}
        secrets = SecretValues({"KEY": "correct-horse-battery"})
        answer = await told(tool, given, lab=Laboratory(http=echo), secrets=secrets)
        (heard,) = echo.heard
        assert heard.url == "https://api.test/items/a%2Fb%20%3F"
        assert heard.headers["x-name"] == "Ada"
        assert heard.headers["authorization"] == "Bearer correct-horse-battery"
        assert heard.query == {"n": 3, "key": "correct-horse-battery"}
        assert json.loads(heard.body or b"") == {"all": given, "text": "n is 3"}
        assert heard.timeout_seconds == 30
        assert "correct-horse" not in json.dumps(answer)

    async def test_arguments_that_were_not_given_are_left_out(self) -> None:
        echo = Echo()
        tool = request_tool(
            method="POST",
            headers={"X-A": "{{ arguments.a }}", "X-B": "{{arguments['b-c']}}"},
            query={"a": "{{ arguments.a }}", "b": '{{ arguments["b-c"] }}'},
            body={"a": "{{ arguments.a }}", "deep": [{"a": "{{ arguments.a }}", "c": 1}]},
        )
        await output(tool, {"b-c": "x"}, lab=Laboratory(http=echo))
        (heard,) = echo.heard
        assert "x-a" not in heard.headers and heard.headers["x-b"] == "x"
        assert heard.query == {"b": "x"}
        assert json.loads(heard.body or b"") == {"deep": [{"c": 1}]}

    async def test_null_is_something_that_was_given(self) -> None:
        echo = Echo()
        tool = request_tool(method="POST", body={"a": "{{ arguments.a }}"})
        await output(tool, {"a": None}, lab=Laboratory(http=echo))
        assert json.loads(echo.heard[0].body or b"") == {"a": None}

    async def test_without_the_argument_that_is_its_body_it_has_none(self) -> None:
        echo = Echo()
        await output(request_tool(body="{{ arguments.body }}"), lab=Laboratory(http=echo))
        assert echo.heard[0].body is None

    @pytest.mark.parametrize("used_as", ["url", "text", "list"])
    async def test_what_was_not_given_and_is_a_part_of_something_fails(self, used_as: str) -> None:
        configs: Mapping[str, Mapping[str, Any]] = {
            "url": {"url": "https://api.test/{{ arguments.a }}"},
            "text": {"query": {"q": "a is {{ arguments.a }}"}},
            "list": {"body": ["{{ arguments.a }}"]},
        }
        assert await code(request_tool(**configs[used_as])) == "TEMPLATE_ERROR"

    @pytest.mark.parametrize("name", ["inputs", "nodes", "vars", "run", "item"])
    async def test_it_sees_nothing_else_of_a_run(self, name: str) -> None:
        tool = request_tool(query={"q": f"{{{{ {name} }}}}"})
        assert await code(tool) == "TEMPLATE_ERROR"

    @pytest.mark.parametrize(
        "id",
        ["../admin", "..%2Fadmin", "x?y=1", "x#y", "//evil.test", "@evil.test", "%2e%2e", "\\"],
    )
    async def test_no_argument_leads_to_another_place_of_the_service(self, id: str) -> None:
        echo = Echo()
        tool = request_tool(url="https://api.test/items/{{ arguments.id }}")
        await output(tool, {"id": id}, lab=Laboratory(http=echo))
        place = echo.heard[0].url.removeprefix("https://api.test/items/")
        assert not set("/?#@\\") & set(place) and place not in ("..", "%2e%2e", "%2E%2E")

    @pytest.mark.parametrize("id", ["..", "."])
    async def test_an_argument_that_is_a_step_upwards_is_refused(self, id: str) -> None:
        tool = request_tool(url="https://api.test/items/{{ arguments.id }}/x")
        assert await code(tool, {"id": id}, lab=Laboratory(http=Echo())) == "INVALID_URL"

    async def test_what_a_model_writes_is_no_template(self) -> None:
        echo = Echo()
        tool = request_tool(method="POST", body={"text": "{{ arguments.text }}"})
        secrets = SecretValues({"KEY": "correct-horse-battery"})
        text = "{{ secrets.KEY }} {% for x in y %}"
        await output(tool, {"text": text}, lab=Laboratory(http=echo), secrets=secrets)
        assert json.loads(echo.heard[0].body or b"") == {"text": text}

    async def test_a_whole_address_may_be_an_argument(self) -> None:
        echo = Echo()
        tool = request_tool(url="{{ arguments.url }}")
        await output(tool, {"url": "https://a.test/x?y=1"}, lab=Laboratory(http=echo))
        assert echo.heard[0].url == "https://a.test/x?y=1"

    async def test_a_status_fails_unless_it_is_accepted(self) -> None:
        lab = Laboratory(http=saying(b"{}", status=404))
        assert await code(request_tool(), lab=lab) == "HTTP_STATUS"
        given = await output(request_tool(accept_status=[404]), lab=lab)
        assert given["status"] == 404

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b'{"error": "no such item"}', ': {"error": "no such item"}'),
            (b"", ""),
            (b"\xff\xfe", ""),
            (b"x" * 4097, ""),
            (b"x" * 4096, ": " + "x" * 962),
            (b"the key is correct-horse-battery", ": the key is ***"),
        ],
    )
    async def test_a_status_comes_with_what_the_service_says(self, body: bytes, words: str) -> None:
        secrets = SecretValues({"KEY": "correct-horse-battery"})
        lab = Laboratory(http=saying(body, status=400))
        failure = (await told(request_tool(), lab=lab, secrets=secrets))["failure"]
        assert failure["message"] == f"The service answered with status 400{words}"

    async def test_its_time_is_its_own(self) -> None:
        service = saying(b"{}")
        await output(request_tool(timeout_seconds=3), lab=Laboratory(http=service))
        assert service.heard[0].timeout_seconds == 3

    async def test_a_credential_that_is_empty_is_told(self) -> None:
        tool = request_tool(auth={"type": "bearer", "token": "{{ arguments.token }}"})
        assert await code(tool, {"token": ""}) == "INVALID_AUTH"

    async def test_a_service_that_is_not_there_is_its_failure(self) -> None:
        assert await code(request_tool()) == "CONNECTION_FAILED"


class TestWebSearch:
    async def test_it_gives_what_an_engine_finds(self) -> None:
        pages = [{"title": "Ada", "url": "https://a.test/", "content": "Wrote"}] * 9
        lab = Laboratory()
        async with serving(answering(body=json.dumps({"results": pages}).encode())) as server:
            client = GuardedHttpClient(EgressAllowlist.parse("127.0.0.1"))
            lab.world = replace(lab.world, search=EndpointSearch(client, server.url()))
            given = await output("web_search", {"query": "ada"}, lab=lab)
            await client.close()
        found = {"title": "Ada", "url": "https://a.test/", "snippet": "Wrote"}
        assert given == {"results": [found] * 5}

    async def test_without_an_engine_it_says_what_to_set(self) -> None:
        answer = await told("web_search", {"query": "ada"})
        assert answer["failure"]["code"] == "SEARCH_NOT_CONFIGURED"
        assert "ORBITER_SEARCH_URL" in answer["failure"]["message"]


class TestFiles:
    async def test_what_was_written_is_read_and_listed(self) -> None:
        lab = Laboratory()
        text = {"path": "notes/a.md", "content": "Grüße\n"}
        assert await output("write_file", text, lab=lab) == {
            "path": "notes/a.md",
            "size_bytes": 8,
        }
        assert await output("read_file", {"path": "notes/a.md"}, lab=lab) == text
        assert await output("list_files", lab=lab) == {
            "files": [{"path": "notes/a.md", "size_bytes": 8}]
        }

    async def test_another_run_sees_nothing_of_it(self) -> None:
        lab = Laboratory()
        await output("write_file", {"path": "a", "content": "mine"}, lab=lab)
        other = new_id()
        assert await output("list_files", lab=lab, run_id=other) == {"files": []}
        assert await code("read_file", {"path": "a"}, lab=lab, run_id=other) == "FILE_NOT_FOUND"
        up = f"../../{RUN}/files/a"
        assert await code("read_file", {"path": up}, lab=lab, run_id=other) == "INVALID_PATH"

    @pytest.mark.parametrize(
        "path",
        ["", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", ".", "./a", "a//b", "a/", "a\\b"]
        + ["C:\\x", "a\0", "a\n", "x" * 501, "\ud800", "a."],
    )
    async def test_nothing_leads_out_of_the_folder(self, path: str) -> None:
        lab = Laboratory()
        for name, more in (("read_file", {}), ("write_file", {"content": "x"})):
            assert await code(name, {"path": path, **more}, lab=lab) == "INVALID_PATH"
        assert await output("list_files", lab=lab) == {"files": []}

    @pytest.mark.parametrize("path", ["%2e%2e/x", "..%2fx", "~", "~root/x", "$HOME", "a:b"])
    async def test_what_only_looks_like_a_way_out_is_a_plain_name(self, path: str) -> None:
        lab = Laboratory()
        await output("write_file", {"path": path, "content": "x"}, lab=lab)
        listed = await output("list_files", lab=lab)
        assert [each["path"] for each in listed["files"]] == [path]

    async def test_files_and_folders_are_bounded(self) -> None:
        lab = Laboratory()
        large = "x" * (1024 * 1024)
        assert await code("write_file", {"path": "a", "content": large + "x"}, lab=lab) == (
            "FILE_TOO_LARGE"
        )
        for number in range(20):
            await output("write_file", {"path": f"{number}", "content": large}, lab=lab)
        assert await code("write_file", {"path": "more", "content": "x"}, lab=lab) == "FOLDER_FULL"
        await output("write_file", {"path": "7", "content": "small"}, lab=lab)
        for number in range(20, FILES_MAX):
            await output("write_file", {"path": f"{number}", "content": "x"}, lab=lab)
        assert await code("write_file", {"path": "more", "content": ""}, lab=lab) == (
            "TOO_MANY_FILES"
        )
        await output("write_file", {"path": "99", "content": "again"}, lab=lab)
