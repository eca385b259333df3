"""The guarded client over real sockets: where it goes, what it sends, when it gives up."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.client import GuardedHttpClient
from orbiter.application.ports.outbound import OutboundError, OutboundRequest
from support.outbound import Heard, Names, Server, Talk, answering, redirecting, serving

LIMIT = 100_000


@asynccontextmanager
async def a_client(
    allow: str = "127.0.0.1", book: dict[str, list[list[str]]] | None = None, **options: Any
) -> AsyncIterator[GuardedHttpClient]:
    resolver = Names(book) if book is not None else None
    allowlist = EgressAllowlist.parse(allow)
    client = GuardedHttpClient(allowlist, resolver=resolver, max_body_bytes=LIMIT, **options)
    try:
        yield client
    finally:
        await client.close()


def a_request(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    timeout_seconds: float = 10,
) -> OutboundRequest:
    return OutboundRequest(
        method=method,
        url=url,
        headers=headers or {},
        query=query or {},
        body=body,
        timeout_seconds=timeout_seconds,
    )


async def refusal(client: GuardedHttpClient, request: OutboundRequest) -> OutboundError:
    with pytest.raises(OutboundError) as refused:
        await client.send(request)
    return refused.value


async def code_of(talk: Talk, **options: Any) -> str:
    """Return how a request to a server that talks like this fails."""
    async with serving(talk) as server, a_client() as client:
        error = await refusal(client, a_request(server.url(), **options))
        await asyncio.wait_for(server.gone.wait(), 5)
        return error.code


# What is sent and what comes back


async def test_an_answer_comes_back_whatever_its_status() -> None:
    talk = answering("404 Not Found", {"X-Thing": "1", "content-type": "text/plain"}, b"nothing")
    async with serving(talk) as server, a_client() as client:
        answer = await client.send(a_request(server.url("/a?b=c#d")))
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (404, b"nothing", "1")
    (heard,) = server.heard
    assert (heard.method, heard.target) == ("GET", "/a?b=c")
    assert heard.headers["host"] == f"127.0.0.1:{server.port}"
    assert heard.headers["user-agent"] == "orbiter"


async def test_body_query_and_headers_arrive_as_given() -> None:
    request = {"X-Key": " s3cret\n", "Accept": "application/json", "X-Name": "Zoë"}
    query = {"q": "a b&c", "tag": ["x", 2], "on": True, "none": None, "o": {"k": 1}}
    async with serving(answering()) as server, a_client() as client:
        url = server.url("/?sig=%2Fx")
        await client.send(a_request(url, "post", request, query, b"\x00body"))
    (heard,) = server.heard
    assert (heard.method, heard.body) == ("POST", b"\x00body")
    assert heard.target == "/?sig=%2Fx&q=a+b%26c&tag=x&tag=2&on=true&o=%7B%22k%22%3A+1%7D"
    assert heard.headers["x-key"] == "s3cret"
    assert heard.headers["x-name"] == "Zoë"
    assert heard.headers["accept"] == "application/json"


@pytest.mark.parametrize(("method", "length"), [("POST", "0"), ("GET", None), ("DELETE", None)])
async def test_an_absent_body_is_told_where_one_is_expected(
    method: str, length: str | None
) -> None:
    async with serving(answering()) as server, a_client() as client:
        await client.send(a_request(server.url(), method))
    assert server.heard[0].headers.get("content-length") == length


async def test_compressed_bodies_are_decoded() -> None:
    body = gzip.compress(b"hello" * 1000)
    async with serving(answering(headers={"content-encoding": "gzip"}, body=body)) as server:
        async with a_client() as client:
            answer = await client.send(a_request(server.url()))
    assert answer.body == b"hello" * 1000


async def test_a_connection_is_used_again_and_cookies_are_not_kept() -> None:
    talk = answering(headers={"set-cookie": "session=1; Path=/"})
    async with serving(talk) as server, a_client() as client:
        await client.send(a_request(server.url()))
        await client.send(a_request(server.url()))
    assert server.connections == 1
    assert "cookie" not in server.heard[1].headers


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering()) as proxy, serving(answering(body=b"me")) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        async with a_client() as client:
            answer = await client.send(a_request(server.url()))
    assert answer.body == b"me"
    assert proxy.heard == []


# Where it goes


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]"],
)
async def test_this_machine_is_not_reached_unless_opened(host: str) -> None:
    async with serving(answering()) as server, a_client(allow="") as client:
        error = await refusal(client, a_request(server.url(host=host)))
    assert error.code == "EGRESS_DENIED"
    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "service.test"])
async def test_an_opened_address_is_reached_under_each_name(host: str) -> None:
    book = {name: [["127.0.0.1"]] for name in ("127.0.0.1", "127.1", "0x7f000001", "service.test")}
    async with serving(answering()) as server, a_client(book=book) as client:
        assert (await client.send(a_request(server.url(host=host)))).status == 200


async def test_an_opened_name_is_reached_on_its_port_only() -> None:
    book = {"service.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]}
    async with serving(answering()) as server, serving(answering()) as closed:
        async with a_client(f"service.test:{server.port}", book) as client:
            assert (await client.send(a_request(server.url(host="service.test")))).status == 200
            for url in (closed.url(host="service.test"), server.url(host="other.test")):
                assert (await refusal(client, a_request(url))).code == "EGRESS_DENIED"
    assert closed.connections == 0


async def test_a_name_that_leads_inside_is_refused_without_telling_where() -> None:
    async with serving(answering()) as server:
        async with a_client("", {"evil.test": [["127.0.0.1", "10.0.0.7", "::1"]]}) as client:
            error = await refusal(client, a_request(server.url(host="evil.test")))
    assert error.code == "EGRESS_DENIED"
    assert "10.0.0.7" not in error.message
    assert server.connections == 0


async def test_of_several_addresses_refused_and_dead_ones_are_passed_over() -> None:
    # 127.0.0.2 is open but nobody listens there.
    book = {"service.test": [["10.0.0.7", "127.0.0.2", "127.0.0.1"]]}
    async with serving(answering()) as server, a_client("127.0.0.0/8", book) as client:
        assert (await client.send(a_request(server.url(host="service.test")))).status == 200


async def test_a_name_that_changes_its_mind_is_checked_each_time_and_asked_once() -> None:
    book: dict[str, list[list[str]]] = {"rebind.test": [["127.0.0.1"], ["127.0.0.2"]]}
    names = Names(book)
    talk = answering(headers={"connection": "close"})
    async with serving(talk) as server:
        allowlist = EgressAllowlist.parse("127.0.0.1")
        client = GuardedHttpClient(allowlist, resolver=names)
        await client.send(a_request(server.url(host="rebind.test")))
        assert names.asked == ["rebind.test"]
        error = await refusal(client, a_request(server.url(host="rebind.test")))
        await client.close()
    assert error.code == "EGRESS_DENIED"
    assert server.connections == 1


async def test_a_name_that_does_not_resolve_is_no_connection() -> None:
    async with a_client(book={}) as client:
        error = await refusal(client, a_request("http://nowhere.test/"))
    assert (error.code, error.message) == ("CONNECTION_FAILED", "nowhere.test does not resolve")


async def test_a_closed_port_is_no_connection() -> None:
    async with serving(answering()) as server:
        pass
    async with a_client() as client:
        assert (await refusal(client, a_request(server.url()))).code == "CONNECTION_FAILED"


# Redirects


@asynccontextmanager
async def two_servers(status: int, path: str = "/there") -> AsyncIterator[tuple[Server, Server]]:
    async with serving(answering(body=b"there")) as there:
        async with serving(redirecting(there.url(path), status)) as here:
            yield here, there


@pytest.mark.parametrize(
    ("status", "sent", "followed", "body"),
    [
        (301, "POST", "GET", b""),
        (302, "POST", "GET", b""),
        (302, "PUT", "PUT", b"data"),
        (303, "PUT", "GET", b""),
        (303, "HEAD", "HEAD", b""),
        (307, "POST", "POST", b"data"),
        (308, "PATCH", "PATCH", b"data"),
    ],
)
async def test_a_redirect_keeps_or_changes_the_method(
    status: int, sent: str, followed: str, body: bytes
) -> None:
    given = None if sent == "HEAD" else b"data"
    headers = {"content-type": "text/x-data"}
    async with two_servers(status) as (here, there), a_client() as client:
        answer = await client.send(a_request(here.url(), sent, headers, body=given))
    assert answer.status == 200
    (heard,) = there.heard
    assert (heard.method, heard.body, heard.target) == (followed, body, "/there")
    assert ("content-type" in heard.headers) == (followed == sent)


async def test_credentials_stay_with_the_origin_they_were_meant_for() -> None:
    headers = {
        "Authorization": "Bearer secret",
        "Cookie": "session=secret",
        "X-Api-Key": "secret",
        "Accept": "text/html",
        "Idempotency-Key": "run:node",
    }
    async with two_servers(307) as (here, there), a_client() as client:
        await client.send(a_request(here.url(), "POST", headers, body=b"{}"))
    assert here.heard[0].headers["authorization"] == "Bearer secret"
    (heard,) = there.heard
    assert "secret" not in str(heard.headers)
    assert (heard.headers["accept"], heard.headers["idempotency-key"]) == ("text/html", "run:node")
    assert heard.headers["host"] == f"127.0.0.1:{there.port}"


async def test_credentials_go_along_within_an_origin() -> None:
    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await (redirecting("/next") if heard.target == "/" else answering())(heard, writer)

    async with serving(talk) as server, a_client() as client:
        await client.send(a_request(server.url(), headers={"X-Api-Key": "secret"}))
    assert [heard.target for heard in server.heard] == ["/", "/next"]
    assert server.heard[1].headers["x-api-key"] == "secret"


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.2:1/", "EGRESS_DENIED"),
        ("http://169.254.169.254/latest/meta-data", "EGRESS_DENIED"),
        ("//10.0.0.1/", "EGRESS_DENIED"),
        ("file:///etc/passwd", "INVALID_URL"),
        ("gopher://127.0.0.1/", "INVALID_URL"),
        ("http://user:pass@127.0.0.1/", "INVALID_URL"),
        ("http://[::1", "INVALID_URL"),
        ("http://127.0.0.1:0/", "INVALID_URL"),
    ],
)
async def test_a_redirect_is_checked_like_a_first_request(location: str, code: str) -> None:
    async with serving(redirecting(location)) as server, a_client() as client:
        assert (await refusal(client, a_request(server.url()))).code == code


async def test_a_redirect_without_an_aim_is_an_answer() -> None:
    async with serving(answering("302 Found")) as server, a_client() as client:
        assert (await client.send(a_request(server.url()))).status == 302


async def test_a_circle_of_redirects_ends() -> None:
    async with serving(redirecting("/")) as server, a_client() as client:
        assert (await refusal(client, a_request(server.url()))).code == "TOO_MANY_REDIRECTS"
    assert len(server.heard) == 6


# What is refused before anything is sent


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "/path",
        "ftp://example.org",
        "file:///etc/passwd",
        "http://",
        "http://:80/",
        "http://example.org:99999/",
        "http://example.org:port/",
        "http://[::1/",
        "http://exa\nmple.org/",
        "http://\ud800.example/",
        "javascript:alert(1)",
    ],
)
async def test_what_is_no_http_url_is_refused(url: str) -> None:
    async with a_client(book={}) as client:
        assert (await refusal(client, a_request(url))).code == "INVALID_URL"


async def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    async with a_client() as client:
        error = await refusal(client, a_request("http://ada:s3cret@127.0.0.1/"))
    assert error.code == "INVALID_URL"
    assert "s3cret" not in error.message


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("CONNECT", {}),
        ("GET / HTTP/1.1", {}),
        ("", {}),
        ("GET", {"X-A": "s3cret\r\nX-B: 2"}),
        ("GET", {"X-A": "s3cret\x00"}),
        ("GET", {"X A": "s3cret"}),
        ("GET", {"": "s3cret"}),
        ("POST", {"Content-Length": "3"}),
        ("POST", {"transfer-encoding": "chunked"}),
        ("GET", {"Host": "internal.example"}),
    ],
)
async def test_what_would_break_the_framing_is_refused(
    method: str, headers: Mapping[str, str]
) -> None:
    async with serving(answering()) as server, a_client() as client:
        error = await refusal(client, a_request(server.url(), method, headers))
    assert error.code == "INVALID_REQUEST"
    assert "s3cret" not in error.message
    assert server.connections == 0


# Hostile servers


async def test_an_endless_body_is_cut_off() -> None:
    async def endless(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 4096)
            await writer.drain()

    assert await code_of(endless) == "RESPONSE_TOO_LARGE"


async def test_a_body_of_just_the_limit_is_taken() -> None:
    async with serving(answering(body=b"x" * LIMIT)) as server, a_client() as client:
        assert len((await client.send(a_request(server.url()))).body) == LIMIT
    assert await code_of(answering(body=b"x" * (LIMIT + 1))) == "RESPONSE_TOO_LARGE"


async def test_a_bomb_is_stopped_while_it_goes_off() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < LIMIT
    bombing = answering(headers={"content-encoding": "gzip"}, body=bomb)
    assert await code_of(bombing) == "RESPONSE_TOO_LARGE"


async def test_a_bomb_in_a_bomb_is_stopped_too() -> None:
    bomb = gzip.compress(gzip.compress(bytes(200_000_000)))
    bombing = answering(headers={"content-encoding": "gzip, gzip"}, body=bomb)
    assert await code_of(bombing) == "RESPONSE_TOO_LARGE"


async def test_a_stream_that_decodes_to_nothing_is_cut_off() -> None:
    flush = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    nothing = flush.compress(b"") + flush.flush(zlib.Z_FULL_FLUSH)

    async def endless(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\n\r\n")
        while True:
            writer.write(nothing * 1000)
            await writer.drain()

    assert await code_of(endless) == "RESPONSE_TOO_LARGE"


@pytest.mark.parametrize("line", ["X-{0}: 1\r\n", "X-{0}: " + "y" * 1000 + "\r\n"])
async def test_a_flood_of_headers_is_cut_off(line: str) -> None:
    async def flooding(heard: Heard, writer: asyncio.StreamWriter) -> None:
        lines = "".join(line.format(number) for number in range(300))
        writer.write(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode())

    assert await code_of(flooding) == "RESPONSE_TOO_LARGE"


async def test_headers_that_never_end_are_cut_off() -> None:
    async def endless(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            writer.write(b"x" * 4096)
            await writer.drain()

    assert await code_of(endless) == "RESPONSE_TOO_LARGE"


async def test_a_drip_is_bounded_as_a_whole() -> None:
    async def dripping(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    assert await code_of(dripping, timeout_seconds=0.2) == "HTTP_TIMEOUT"


async def test_a_crawl_through_redirects_is_bounded_as_a_whole() -> None:
    async def crawling(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await redirecting("/")(heard, writer)

    assert await code_of(crawling, timeout_seconds=0.25) == "HTTP_TIMEOUT"


async def test_silence_and_endless_news_are_bounded() -> None:
    async def silent(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def promising(heard: Heard, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()

    assert await code_of(silent, timeout_seconds=0.5) == "HTTP_TIMEOUT"
    assert await code_of(promising, timeout_seconds=0.5) == "HTTP_TIMEOUT"


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: nine\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
        b"",
    ],
)
async def test_a_broken_answer_is_a_failed_connection(said: bytes) -> None:
    async def breaking(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.write_eof()

    assert await code_of(breaking) == "CONNECTION_FAILED"


# Giving up


async def test_a_cancelled_request_hangs_up_at_once_and_leaves_the_client_in_order() -> None:
    began = asyncio.Event()

    async def stalling(heard: Heard, writer: asyncio.StreamWriter) -> None:
        if heard.target == "/stall":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nx")
            began.set()
            await asyncio.Event().wait()
        await answering()(heard, writer)

    async with serving(stalling) as server, a_client() as client:
        task = asyncio.create_task(client.send(a_request(server.url("/stall"))))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)
        assert (await client.send(a_request(server.url("/")))).status == 200
        assert server.connections == 2


async def test_many_requests_at_once_share_the_pool() -> None:
    async with serving(answering(body=b"ok")) as server, a_client() as client:
        sending = (client.send(a_request(server.url(f"/{number}"))) for number in range(300))
        answers = await asyncio.gather(*sending)
    assert {answer.body for answer in answers} == {b"ok"}
    assert len({heard.target for heard in server.heard}) == 300
    assert server.connections <= 200


async def test_a_closed_client_that_never_sent_is_closed_quietly() -> None:
    async with a_client():
        pass
