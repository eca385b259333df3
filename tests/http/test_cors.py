"""Which pages of other origins may call the API."""

import pytest

from support.api import API, running

OURS = "https://app.example.org"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,x-csrf-token",
}


async def test_it_is_off_unless_configured() -> None:
    async with running() as api:
        client = api.caller().client
        for answer in (
            await client.get("/health/live", headers={"Origin": OURS}),
            await client.options(f"{API}/projects", headers={"Origin": OURS, **PREFLIGHT}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", f"{API}/projects", 401),
        ("GET", "/nothing", 404),
        ("PATCH", f"{API}/projects", 405),
        ("POST", f"{API}/auth/login", 422),
    ],
)
async def test_every_answer_tells_the_pages_browser(method: str, path: str, status: int) -> None:
    async with running(cors_origins=(OURS,)) as api:
        answer = await api.caller().client.request(method, path, headers={"Origin": OURS})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == OURS
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"


async def test_a_page_may_ask_what_it_may() -> None:
    async with running(cors_origins=("https://other.example", OURS)) as api:
        headers = {"Origin": OURS, **PREFLIGHT}
        answer = await api.caller().client.options(f"{API}/projects", headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == OURS
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "X-CSRF-Token" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{OURS}.evil.example", "http://app.example.org", "null"]
)
async def test_no_other_origin_is_told_anything(origin: str) -> None:
    async with running(cors_origins=(OURS,)) as api:
        client = api.caller().client
        for answer in (
            await client.get("/health/live", headers={"Origin": origin}),
            await client.options(f"{API}/projects", headers={"Origin": origin, **PREFLIGHT}),
        ):
            assert answer.is_success
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert answer.headers["vary"] == "Origin"
