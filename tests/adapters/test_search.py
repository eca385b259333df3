"""Searching the web: both wire formats over a socket, and engines that do not behave."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.client import GuardedHttpClient
from orbiter.adapters.outbound.search import SNIPPET_MAX, TITLE_MAX, EndpointSearch
from orbiter.application.ports.search import SearchError, SearchResult
from support.outbound import Heard, Server, Talk, answering, redirecting, serving

PAGE = {"title": "Ada", "url": "https://ada.example.org/", "content": "Wrote <b>programs</b>"}
ADA = SearchResult(title="Ada", url="https://ada.example.org/", snippet="Wrote programs")


def saying(answer: Any) -> Talk:
    """Answer every search with the same JSON."""
    return answering(headers={"content-type": "application/json"}, body=json.dumps(answer).encode())


@asynccontextmanager
async def engine(
    talk: Talk, path: str = "", key: str | None = None, allowed: str = "127.0.0.1"
) -> AsyncIterator[tuple[EndpointSearch, Server]]:
    """Give a search at an engine that answers like *talk*."""
    async with serving(talk) as server:
        client = GuardedHttpClient(EgressAllowlist.parse(allowed))
        try:
            yield EndpointSearch(client, server.url(path), key), server
        finally:
            await client.close()


def asked(heard: Heard) -> tuple[str, dict[str, list[str]]]:
    target = urlsplit(heard.target)
    return target.path, parse_qs(target.query)


async def refusal(talk: Talk, **more: Any) -> SearchError:
    async with engine(talk, **more) as (search, _):
        with pytest.raises(SearchError) as refused:
            await search.search("ada", limit=5)
    return refused.value


@pytest.mark.parametrize("path", ["", "/", "/search"])
async def test_a_searxng_is_asked_its_way(path: str) -> None:
    async with engine(saying({"query": "ada", "results": [PAGE]}), path) as (search, server):
        assert await search.search("ada & co", limit=5) == [ADA]
    (heard,) = server.heard
    assert asked(heard) == ("/search", {"q": ["ada & co"], "format": ["json"]})
    assert "authorization" not in heard.headers


async def test_a_searxng_behind_a_door_gets_the_key() -> None:
    async with engine(saying({"results": []}), key="hush-hush") as (search, server):
        assert await search.search("ada", limit=5) == []
    assert server.heard[0].headers["authorization"] == "Bearer hush-hush"


async def test_brave_is_asked_its_way() -> None:
    page = {"title": "Ada", "url": PAGE["url"], "description": "Wrote <strong>programs</strong>"}
    talk = saying({"type": "search", "web": {"type": "search", "results": [page]}})
    async with engine(talk, "/res/v1/web/search", "hush-hush") as (search, server):
        assert await search.search("ada", limit=3) == [ADA]
    (heard,) = server.heard
    assert asked(heard) == ("/res/v1/web/search", {"q": ["ada"], "count": ["3"]})
    assert heard.headers["x-subscription-token"] == "hush-hush"


async def test_no_more_is_given_than_was_asked_for_and_fits() -> None:
    long = {"title": "t" * 9999, "url": PAGE["url"], "content": "c" * 99_999}
    pages = [long] + [{**PAGE, "url": f"https://a.test/{number}"} for number in range(100)]
    async with engine(saying({"results": pages})) as (search, _):
        found = await search.search("ada", limit=7)
    assert len(found) == 7
    assert (len(found[0].title), len(found[0].snippet)) == (TITLE_MAX, SNIPPET_MAX)


async def test_markup_and_entities_become_text() -> None:
    page = {
        **PAGE,
        "title": "A &amp; <i>B</i>",
        "content": "1 < 2 <br/>\n\n &quot;x&quot; <script>",
    }
    async with engine(saying({"results": [page]})) as (search, _):
        (found,) = await search.search("ada", limit=5)
    assert (found.title, found.snippet) == ("A & B", '1 < 2 "x"')


@pytest.mark.parametrize(
    "results",
    [
        None,
        "none",
        {"a": 1},
        [None, 1, "x", [], {}],
        [{"title": "no url"}],
        [{**PAGE, "url": 7}],
        [{**PAGE, "url": "javascript:alert(1)"}],
        [{**PAGE, "url": "https://a.test/" + "x" * 9999}],
    ],
)
async def test_what_is_no_result_is_left_out(results: Any) -> None:
    for talk, path in (
        (saying({"results": results}), ""),
        (saying({"web": {"results": results}}), "/web/search"),
    ):
        async with engine(talk, path) as (search, _):
            assert await search.search("ada", limit=5) == []


@pytest.mark.parametrize("answer", [None, 1, "x", [], {"web": 3}, {"web": []}])
async def test_an_answer_of_another_shape_has_no_results(answer: Any) -> None:
    for path in ("", "/web/search"):
        async with engine(saying(answer), path) as (search, _):
            assert await search.search("ada", limit=5) == []


async def test_odd_parts_of_a_result_are_empty() -> None:
    async with engine(saying({"results": [{"url": PAGE["url"], "title": 3}]})) as (search, _):
        assert await search.search("ada", limit=5) == [
            SearchResult(title="", url="https://ada.example.org/", snippet="")
        ]


async def test_an_engine_that_refuses_is_told_of() -> None:
    refused = await refusal(answering("429 Too Many Requests"))
    assert (refused.code, refused.message) == (
        "SEARCH_FAILED",
        "The search engine answered with status 429",
    )


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000, b"\xff"])
async def test_an_answer_that_is_no_json_is_told_of(body: bytes) -> None:
    refused = await refusal(answering(body=body))
    assert refused.code == "SEARCH_FAILED" and "no JSON" in refused.message


async def test_the_guard_stands_before_engines_too() -> None:
    assert (await refusal(saying({}), allowed="")).code == "EGRESS_DENIED"
    leading = redirecting("http://10.0.0.1/")
    assert (await refusal(leading)).code == "EGRESS_DENIED"


async def test_an_engine_that_hangs_up_is_told_of() -> None:
    async def talk(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.close()

    refused = await refusal(talk, key="hush-hush")
    assert refused.code == "CONNECTION_FAILED"
    assert "hush-hush" not in refused.message


async def test_without_an_engine_the_setting_is_told() -> None:
    client = GuardedHttpClient(EgressAllowlist.parse(""))
    with pytest.raises(SearchError, match="ORBITER_SEARCH_URL") as refused:
        await EndpointSearch(client, None).search("ada", limit=5)
    assert refused.value.code == "SEARCH_NOT_CONFIGURED"
