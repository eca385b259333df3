"""/docs and /redoc: they need nothing from elsewhere, and work in a real browser."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest
import uvicorn

from orbiter.adapters.http.documentation import REDOC_POLICY, SWAGGER_POLICY
from orbiter.adapters.http.documentation.pages import assets
from support import chromium
from support.api import API, PASSWORD, Api
from support.openapi import document_of, operations

ASSETS = files("orbiter.adapters.http") / "assets"
BROWSER = chromium.installed()
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium here; `apt-get install chromium` has one"
)


class TestPages:
    @pytest.mark.parametrize(
        ("path", "policy"), [("/docs", SWAGGER_POLICY), ("/redoc", REDOC_POLICY)]
    )
    async def test_they_load_what_we_serve_and_nothing_else(
        self, api: Api, path: str, policy: str
    ) -> None:
        client = api.caller().client
        page = await client.get(path)
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Content-Security-Policy"] == policy
        addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(addresses) >= 4
        for address in addresses:
            assert address.startswith("/assets/docs/")
            assert (await client.get(address)).status_code == 200

    def test_their_scripts_are_never_written_into_a_page(self) -> None:
        for policy in (SWAGGER_POLICY, REDOC_POLICY):
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy

    async def test_assets_may_be_kept_for_ever(self, api: Api) -> None:
        client = api.caller().client
        for name, asset in assets().items():
            answer = await client.get(f"/assets/docs/{name}")
            assert answer.content == asset.content
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert sha256(answer.content).hexdigest()[:16] in name

    @pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
    async def test_what_has_not_changed_is_not_sent_again(self, api: Api, path: str) -> None:
        client = api.caller().client
        first = await client.get(path)
        assert first.headers["Cache-Control"] == "no-cache"
        again = await client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize(
        "path", ["/", "/schema", "/anything", "/assets/docs/vendored.txt", "/docs/openapi.json"]
    )
    async def test_nothing_else_is_there(self, api: Api, path: str) -> None:
        answer = await api.caller().client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "RESOURCE_NOT_FOUND"


def test_vendored_files_are_the_ones_that_are_listed() -> None:
    listed = (ASSETS / "vendored.txt").read_text()
    lines = [line.split() for line in listed.splitlines() if not line.startswith("#")]
    assert {line[3] for line in lines} == {
        "redoc.standalone.js",
        "swagger-ui-bundle.js",
        "swagger-ui.css",
    }
    for _, _, _, name, digest in lines:
        assert sha256((ASSETS / name).read_bytes()).hexdigest() == digest


@asynccontextmanager
async def looking_at(api: Api, path: str, profile: Path) -> AsyncIterator[chromium.Page]:
    """Open a page in a real browser; in the end nothing came from elsewhere, nothing complained."""
    server = uvicorn.Server(uvicorn.Config(api.container.app(), lifespan="off", log_config=None))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            assert BROWSER is not None
            async with chromium.open_page(BROWSER, profile) as page:
                await page.open(f"{address}{path}")
                yield page
        finally:
            server.should_exit = True
            await serving
    assert page.complaints == []
    near = (address, f"blob:{address}", "data:")
    assert [each for each in page.requested if not each.startswith(near)] == []


@needs_browser
class TestInABrowser:
    async def test_swagger_ui_shows_every_operation(self, api: Api, tmp_path: Path) -> None:
        count = len(list(operations(await document_of(api))))
        async with looking_at(api, "/docs", tmp_path) as page:
            await page.until(f"document.querySelectorAll('.opblock').length === {count}")

    async def test_redoc_shows_every_operation_and_finds_them(
        self, api: Api, tmp_path: Path
    ) -> None:
        document = await document_of(api)
        async with looking_at(api, "/redoc", tmp_path) as page:
            for _, operation in operations(document):
                section = f"[data-section-id$='operation/{operation['operationId']}']"
                await page.until(f'document.querySelector("{section}")')
            await page.evaluate(
                """(() => {
                    const input = document.querySelector("[role=search] input");
                    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")
                        .set.call(input, "duplicate");
                    input.dispatchEvent(new Event("input", { bubbles: true }));
                })()"""
            )
            found = "document.querySelector('[data-role=\"search:results\"]')"
            await page.until(f"{found} && {found}.innerText.includes('Duplicate a workflow')")

    async def test_try_it_out_sends_the_session_and_its_csrf_token(
        self, api: Api, tmp_path: Path
    ) -> None:
        user = (await api.admin()).user
        async with looking_at(api, "/docs", tmp_path) as page:
            block = "document.getElementById('operations-projects-projectsCreate')"
            await page.until(block)
            sign_in = {
                "method": "POST",
                "headers": {"Content-Type": "application/json"},
                "body": json.dumps({"email": user["email"], "password": PASSWORD}),
            }
            status = await page.evaluate(
                f"fetch('{API}/auth/login', {json.dumps(sign_in)}).then((answer) => answer.status)"
            )
            assert status == 200
            for button in (".opblock-summary-control", ".try-out__btn", ".execute"):
                await page.until(f"{block}.querySelector('{button}')")
                await page.evaluate(f"{block}.querySelector('{button}').click()")
            answer = f"{block}.querySelector('.live-responses-table .response')"
            await page.until(answer)
            shown = await page.evaluate(f"{answer}.innerText")
        assert "201" in shown and user["id"] in shown
