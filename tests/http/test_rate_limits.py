"""Rate limits over HTTP: who is counted, and what is told."""

import pytest

from orbiter.application.ports.identity import Rate
from support.api import PASSWORD, Api, running

ONE = Rate(amount=1, seconds=60)


async def statuses(api: Api, path: str, *bodies: dict[str, str]) -> list[int]:
    return [(await api.caller().post(path, body)).status_code for body in bodies]


async def test_a_used_up_limit_is_429_with_its_headers() -> None:
    async with running(rate_limits={"api": Rate(amount=4, seconds=60)}) as api:
        admin = await api.admin()
        answers = [await admin.get("/projects") for _ in range(5)]
        assert answers[0].headers["ratelimit-limit"] == "4"
        refused = answers[-1]
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit-remaining"] == "0"
        assert (await api.admin()).user["role"] == "admin"


async def test_sign_ins_are_limited_per_address_as_the_nearest_proxy_tells_it() -> None:
    rates = {"login": Rate(amount=2, seconds=60)}
    async with running(rate_limits=rates, trusted_proxies=("127.0.0.1",)) as api:
        body = {"email": "a@example.org", "password": "wrong-password"}

        async def status(forwarded: str) -> int:
            headers = {"X-Forwarded-For": forwarded}
            return (await api.caller().post("/auth/login", body, headers=headers)).status_code

        assert [await status("203.0.113.9") for _ in range(3)] == [401, 401, 429]
        assert await status("203.0.113.9, 203.0.113.10") == 401
        assert await status("spoofed, 203.0.113.9") == 429
        assert await status("203.0.113.9:4711") == 429


async def test_sign_ins_are_limited_per_email_too() -> None:
    async with running(rate_limits={"login_email": ONE}) as api:
        bodies = [{"email": email, "password": "x" * 9} for email in ("a@b.example", "A@B.example")]
        assert await statuses(api, "/auth/login", *bodies) == [401, 429]


async def test_registrations_are_limited_per_email_by_a_count_of_their_own() -> None:
    async with running(rate_limits={"register_email": ONE, "login_email": ONE}) as api:
        body = {"email": "ada@b.example", "password": PASSWORD}
        shouted = {**body, "email": "ADA@B.example"}
        assert await statuses(api, "/auth/register", body, shouted) == [201, 429]
        assert await statuses(api, "/auth/login", body) == [200]
        assert await statuses(api, "/auth/register", {**body, "email": "bob@b.example"}) == [201]


async def test_a_mailbox_is_not_flooded_with_resets() -> None:
    async with running(rate_limits={"login_email": ONE}) as api:
        body = {"email": "ada@b.example"}
        assert await statuses(api, "/auth/forgot-password", body, body) == [204, 429]


async def test_passwords_given_again_are_limited_and_nothing_else_of_the_account() -> None:
    async with running(rate_limits={"login_email": ONE}) as api:
        caller = await api.admin()
        wrong = {"email": "new@b.example", "current_password": "not-the-one"}
        assert [(await caller.put("/auth/me", wrong)).status_code for _ in range(2)] == [422, 429]
        named = [(await caller.put("/auth/me", {"name": "Ada"})).status_code for _ in range(3)]
        assert named == [200] * 3
        change = {"current_password": PASSWORD, "new_password": "another-good-one-7"}
        assert (await caller.put("/auth/password", change)).status_code == 429


@pytest.mark.parametrize("path", ["/projects", "/auth/me"])
async def test_who_has_no_credential_is_counted_by_address(path: str) -> None:
    async with running(rate_limits={"api": ONE}) as api:
        assert (await api.caller().get(path)).status_code == 401
        assert (await api.caller().get(path)).status_code == 429
        assert (await api.caller().get("/health/live")).status_code == 200
