"""A key is rotated: servers with both keys, the command, then a server with the new key alone."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.adapters.system.clock import SystemClock
from orbiter.application.paging import PageRequest
from orbiter.application.sealing import Seals
from orbiter.application.signatures import signature
from orbiter.application.vault import Vault
from orbiter.domain.providers import Provider
from support.api import Caller
from support.commands import orbiter, serving

OLD, NEW = "o" * 32, "n" * 32
EMAIL: Final = "ada@example.org"
KEY: Final = "sk-a-key-of-some-vendor"
ONCE: Final = {"Idempotency-Key": "once"}
SECRET: Final = {"name": "TOKEN", "value": "correct-horse"}


@asynccontextmanager
async def calling(folder: Path, **settings: Any) -> AsyncIterator[Caller]:
    """Serve, and call the server."""
    with serving(folder, **settings) as server:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            yield Caller(client)


async def settle(caller: Caller) -> str:
    """Make one of everything that is sealed, and return the path of a hook."""
    await caller.sign_up(EMAIL)
    flow = await caller.workflow(await caller.project())
    hook = await caller.post(
        "/hooks", {"workflow_id": flow["id"], "name": "Orders", "secret": "hook-secret"}
    )
    provider = {"name": "vendor", "provider_type": "openai", "api_key": KEY}
    for answer in (
        hook,
        await caller.post("/providers", provider),
        await caller.post("/secrets", SECRET, headers=ONCE),
    ):
        assert answer.status_code == 201, answer.text
    return f"/hooks/{hook.json()['url'].rpartition('/')[2]}"


async def called(caller: Caller, path: str) -> int:
    """Call a hook with a signature, and return the status."""
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Orbiter-Timestamp": timestamp,
        "X-Orbiter-Signature": signature("hook-secret", timestamp, b'{"name": "Ada"}'),
    }
    answer = await caller.post(path, content=b'{"name": "Ada"}', headers=headers)
    return answer.status_code


async def unsealed(url: str, workspace_id: str) -> tuple[dict[str, str], str]:
    """Return the secrets and the provider's key, as the new key opens them."""
    storage, seals = SqlStorage.connect(url), Seals(FernetCipher([NEW]))
    secrets = await Vault(storage, seals, SystemClock()).open(workspace_id, None)
    async with storage.open(workspace_id, reading=True) as uow:
        provider: Provider = (await uow.providers.page(PageRequest())).items[0]
    await storage.close()
    assert provider.sealed_key is not None
    key = seals.open("provider", workspace_id, provider.id, provider.sealed_key)
    return dict(secrets.values), key


async def test_after_a_rotation_the_old_key_is_needed_for_nothing(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with calling(folder, DATABASE_URL=url, SECRET_KEY=OLD) as caller:
        hook = await settle(caller)
    both = {"DATABASE_URL": url, "SECRET_KEY": f"{NEW},{OLD}"}
    async with calling(folder, **both) as caller:
        assert await called(caller, hook) == 202
        first = orbiter("secrets", "rotate", folder=folder, **both)
        assert (first.returncode, first.stdout.splitlines()) == (
            0,
            [
                "hooks: 1 encrypted again, 0 already were",
                "idempotency_keys: 1 encrypted again, 0 already were",
                "providers: 1 encrypted again, 0 already were",
                "secrets: 1 encrypted again, 0 already were",
            ],
        )
        assert await called(caller, hook) == 202
    again = orbiter("secrets", "rotate", folder=folder, **both)
    assert "secrets: 0 encrypted again, 1 already were" in again.stdout
    async with calling(folder, DATABASE_URL=url, SECRET_KEY=NEW) as caller:
        await caller.sign_in(EMAIL)
        assert await called(caller, hook) == 202
        repeated = await caller.post("/secrets", SECRET, headers=ONCE)
        assert repeated.status_code == 201
        assert repeated.headers["idempotent-replayed"] == "true"
        values, key = await unsealed(url, caller.user["workspace_id"])
    assert (values, key) == ({"TOKEN": "correct-horse"}, KEY)


async def test_a_key_that_was_dropped_too_early_is_told(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with calling(folder, DATABASE_URL=url, SECRET_KEY=OLD) as caller:
        await settle(caller)
    early = orbiter("secrets", "rotate", folder=folder, DATABASE_URL=url, SECRET_KEY=NEW)
    assert early.returncode == 1
    assert "4 can't be decrypted with any key and were left as they are" in early.stderr
    both = {"DATABASE_URL": url, "SECRET_KEY": f"{NEW},{OLD}"}
    assert orbiter("secrets", "rotate", folder=folder, **both).returncode == 0
