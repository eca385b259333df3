"""The session's cookie, in the browser's hands."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from orbiter.domain.sessions import SLIDING
from support.api import PASSWORD, Api, running
from support.clock import ManualClock

CREDENTIALS = {"email": "ada@example.org", "password": PASSWORD}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def api(clock: ManualClock) -> AsyncIterator[Api]:
    async with running(clock=clock) as api:
        yield api


async def test_it_is_set_as_documented(api: Api) -> None:
    await api.caller().sign_up("ada@example.org")
    answer = await api.caller().post("/auth/login", CREDENTIALS)
    token, attributes = answer.headers["set-cookie"].split("; ", 1)
    assert token.startswith("orbiter_session=") and len(token) > 40
    assert attributes == "HttpOnly; SameSite=Lax; Path=/; Max-Age=259200"


@pytest.mark.parametrize(
    ("base", "secure"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://127.1.2.3", False),
        ("http://localhost", False),
        ("http://[::1]:8000", False),
        ("http://orbiter.example", True),
        ("http://127.0.0.1.evil.example", True),
        ("https://127.0.0.1", True),
    ],
)
async def test_it_is_secure_but_for_plain_http_on_loopback(
    api: Api, base: str, secure: bool
) -> None:
    await api.caller().sign_up("ada@example.org")
    answer = await api.caller().client.post(f"{base}/api/v1/auth/login", json=CREDENTIALS)
    assert ("Secure" in answer.headers["set-cookie"]) == secure


async def test_a_browser_keeps_it_as_long_as_the_session_slides(
    api: Api, clock: ManualClock
) -> None:
    caller = await api.caller().sign_up("ada@example.org")
    assert "set-cookie" not in (await caller.get("/auth/me")).headers
    clock.advance(SLIDING - timedelta(hours=1))
    renewed = await caller.get("/auth/me")
    token = caller.client.cookies["orbiter_session"]
    assert renewed.headers["set-cookie"].startswith(f"orbiter_session={token}; ")
    assert "Max-Age=259200" in renewed.headers["set-cookie"]
    assert "set-cookie" not in (await caller.get("/auth/me")).headers
    clock.advance(SLIDING - timedelta(hours=1))
    assert (await caller.get("/auth/me")).status_code == 200


async def test_signing_out_takes_it_away_however_late(api: Api, clock: ManualClock) -> None:
    caller = await api.caller().sign_up("ada@example.org")
    clock.advance(SLIDING - timedelta(hours=1))
    answer = await caller.post("/auth/logout")
    assert answer.headers.get_list("set-cookie") == [
        "orbiter_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
    ]
    assert "orbiter_session" not in caller.client.cookies
