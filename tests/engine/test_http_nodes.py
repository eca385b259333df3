"""Requests and their answers, with a real server on a loopback port."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.client import GuardedHttpClient
from orbiter.domain.workflows import OnError
from support.graphs import Laboratory, Traced, Unplugged, graph, node
from support.outbound import Heard, Talk, answering, serving

START, END = node("start", "start"), node("end", "end")


async def called(
    talk: Talk, inputs: Mapping[str, Any] | None = None, **config: Any
) -> tuple[Traced, Heard | None]:
    """Return a run with one request to a service that answers like *talk*, and what it heard."""
    async with serving(talk) as server:
        client = GuardedHttpClient(EgressAllowlist.parse("127.0.0.1"))
        config.setdefault("url", server.url("/items"))
        call = node("call", "http", **config)
        drawn = graph(START, call, END, edges="start > call, call > end")
        try:
            traced = await Laboratory(http=client).run(drawn, **(inputs or {}))
        finally:
            await client.close()
        return traced, server.heard[0] if server.heard else None


async def heard_of(**config: Any) -> Heard:
    traced, heard = await called(answering(), **config)
    assert traced.run.error is None
    assert heard is not None
    return heard


async def test_a_json_answer_is_decoded() -> None:
    talk = answering(
        headers={"Content-Type": "application/json; charset=utf-8", "X-Extra": "1"},
        body=b'{"a": [1, null, "\xc3\xa9"]}',
    )
    traced, heard = await called(talk)
    assert heard is not None and (heard.method, heard.target) == ("GET", "/items")
    assert traced.output["status"] == 200
    assert traced.output["body"] == {"a": [1, None, "é"]}
    assert traced.output["headers"]["x-extra"] == "1"


@pytest.mark.parametrize(
    ("media_type", "body", "expected"),
    [
        ("application/problem+json", b"[1]", [1]),
        ("text/plain; charset=latin-1", b"\xe9", "é"),
        ("text/html", "é".encode(), "é"),
        ("application/json", b"{not json", "{not json"),
        ("application/json", b'{"a": NaN}', '{"a": NaN}'),
        ("application/json", b'{"a": 1e999}', '{"a": 1e999}'),
        ("application/json", b'"\\ud800"', '"\\ud800"'),
        ("application/json", b"[" * 5000 + b"]" * 5000, "[" * 5000 + "]" * 5000),
        ("application/json", b"", None),
        ("text/plain; charset=no-such", b"abc", base64.b64encode(b"abc").decode()),
        ("image/png", b"\x89PNG\xff", base64.b64encode(b"\x89PNG\xff").decode()),
    ],
)
async def test_any_answer_becomes_a_value_of_json(
    media_type: str, body: bytes, expected: Any
) -> None:
    traced, _ = await called(answering(headers={"Content-Type": media_type}, body=body))
    assert traced.output["body"] == expected
    json.dumps(traced.output, allow_nan=False).encode()


async def test_a_body_that_is_not_text_goes_as_json() -> None:
    heard = await heard_of(method="POST", body={"n": "{{ 1 + 1 }}", "é": [None]})
    assert heard.method == "POST"
    assert json.loads(heard.body) == {"n": 2, "é": [None]}
    assert heard.headers["content-type"] == "application/json"


async def test_a_text_goes_as_it_is() -> None:
    heard = await heard_of(method="PUT", body="n is {{ 1 + 1 }}")
    assert heard.body == b"n is 2"
    assert heard.headers["content-type"].startswith("text/plain")


async def test_a_media_type_of_its_own_wins() -> None:
    heard = await heard_of(method="POST", body="<a/>", headers={"Content-Type": "text/xml"})
    assert heard.headers["content-type"] == "text/xml"


async def test_headers_and_query_are_templates() -> None:
    heard = await heard_of(
        headers={"X-N": "{{ 1 + 1 }}", "X-None": "{{ none }}"},
        query={"q": "a b", "n": "{{ [1, 2] }}"},
    )
    assert heard.headers["x-n"] == "2"
    assert "x-none" not in heard.headers
    assert heard.target.partition("?")[2] in ("q=a+b&n=1&n=2", "q=a%20b&n=1&n=2")


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": "{{ 'hush' }}"}, "authorization", "Bearer hush"),
        (
            {"type": "basic", "username": "ada", "password": "hush"},
            "authorization",
            "Basic " + base64.b64encode(b"ada:hush").decode(),
        ),
        ({"type": "header", "name": "X-Key", "value": "hush"}, "x-key", "hush"),
    ],
)
async def test_credentials_are_sent_and_not_shown(
    auth: dict[str, str], header: str, value: str
) -> None:
    traced, heard = await called(answering(), auth=auth)
    assert heard is not None and heard.headers[header] == value
    shown = traced.one("call").input
    assert "hush" not in json.dumps(shown)
    assert shown["auth"]["type"] == auth["type"]


async def test_credentials_in_headers_are_not_shown_even_when_rendering_fails() -> None:
    headers = {"Authorization": "Bearer hush", "X-Api-Key": "hush", "X-Plain": "seen"}
    for body in ("fine", "{{ inputs.gone }}"):
        query = {"access_token": "hush", "api_key": "hush"}
        traced, _ = await called(answering(), headers=headers, query=query, body=body)
        shown = json.dumps(traced.one("call").input)
        assert "hush" not in shown and "seen" in shown


async def test_the_effects_key_is_sent() -> None:
    traced, heard = await called(answering())
    assert heard is not None
    assert heard.headers["idempotency-key"] == f"{traced.run.id}:call:0:1"


@pytest.mark.parametrize(("accept", "code"), [([], "HTTP_STATUS"), ([404], None)])
async def test_a_status_from_400_fails_unless_it_is_accepted(
    accept: list[int], code: str | None
) -> None:
    traced, _ = await called(answering("404 Not Found", body=b"gone"), accept_status=accept)
    assert (traced.run.error.code if traced.run.error else None) == code
    if code is None:
        assert traced.output["status"] == 404


async def test_what_the_guard_refuses_is_the_nodes_error() -> None:
    traced, heard = await called(answering(), url="http://169.254.169.254/latest")
    assert traced.failure == ("EGRESS_DENIED", "call")
    assert heard is None


async def test_a_service_that_can_not_be_reached_can_be_caught() -> None:
    call = node("call", "http", url="http://gone.test", on_error=OnError.BRANCH)
    drawn = graph(START, call, END, edges="start > call, call.error > end")
    traced = await Laboratory(http=Unplugged()).run(drawn)
    assert traced.output == {"code": "CONNECTION_FAILED", "message": "There is no network"}


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": "{{ '' }}"},
        {"type": "header", "name": "X", "value": "{{ none }}"},
    ],
)
async def test_credentials_that_turn_out_empty_fail_the_node(auth: dict[str, str]) -> None:
    traced, heard = await called(answering(), auth=auth)
    assert traced.failure == ("INVALID_AUTH", "call")
    assert heard is None


async def test_credentials_in_a_url_are_not_shown() -> None:
    traced, _ = await called(answering(), url="http://ada:hush@gone.test/a@b?c=d")
    assert traced.one("call").input["url"] == "http://***@gone.test/a@b?c=d"
    assert traced.run.error is not None and "hush" not in traced.run.error.message
