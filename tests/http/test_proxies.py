"""What is believed of `X-Forwarded-*`, and whom."""

import pytest

from orbiter.adapters.http.proxies import TrustedProxies
from support.api import API, PASSWORD, running

PROXIES = ("127.0.0.1", "10.0.0.0/8", "2001:db8::/32")


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("", "127.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("10.1.2.3", "10.1.2.3"),
        ("2a00::7, 2001:db8::5", "2a00::7"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2a00::7]:4711", "2a00::7"),
        ("[2A00::0007]", "2a00::7"),
        ("unknown", "127.0.0.1"),
        ("203.0.113.9, nonsense, 10.1.2.3", "10.1.2.3"),
        (" , ,", "127.0.0.1"),
    ],
)
def test_the_client_is_the_nearest_that_is_no_proxy(forwarded: str, client: str) -> None:
    assert TrustedProxies(PROXIES).client("127.0.0.1", forwarded) == client


def test_a_caller_that_is_no_proxy_is_the_client() -> None:
    assert TrustedProxies(PROXIES).client("192.0.2.1", "203.0.113.9") == "192.0.2.1"


async def test_headers_of_one_name_are_one_list() -> None:
    async with running(trusted_proxies=("127.0.0.1",)) as api:
        caller = await api.caller().sign_up("ada@example.org")
        body = {"email": "ada@example.org", "password": PASSWORD}
        headers = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9")]
        await api.caller().client.post(f"{API}/auth/login", json=body, headers=headers)
        newest = (await caller.get("/auth/sessions")).json()["data"][0]
        assert newest["address"] == "203.0.113.9"


async def test_strict_transport_is_asked_for_over_tls() -> None:
    async with running(trusted_proxies=("127.0.0.1",)) as api:
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        answer = await api.caller().get("/health/live", headers=forwarded)
        assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_a_proxy_nobody_trusts_tells_nothing() -> None:
    async with running() as api:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        answer = await api.caller().get("/health/live", headers=headers)
        assert "strict-transport-security" not in answer.headers


async def test_a_cookie_is_secure_where_a_proxy_says_the_host_is_no_loopback() -> None:
    async with running(trusted_proxies=("127.0.0.1",)) as api:
        await api.caller().sign_up("ada@example.org")
        body = {"email": "ada@example.org", "password": PASSWORD}
        for host, secure in (("orbiter.example.org", True), ("localhost:8000", False)):
            headers = {"X-Forwarded-Host": host}
            answer = await api.caller().post("/auth/login", body, headers=headers)
            assert ("Secure" in answer.headers["set-cookie"]) == secure
