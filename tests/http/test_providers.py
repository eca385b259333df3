"""Providers over HTTP: who may what, and that a key is never seen again."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from orbiter.adapters.sql.schema import migrate
from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.ports.outbound import OutboundError, OutboundRequest
from support.api import Api, Caller, running
from support.openapi import document_of

KEY = "sk-very-secret-4711"
FIELDS = {
    "id",
    "name",
    "provider_type",
    "base_url",
    "default_model",
    "models",
    "max_retries",
    "timeout_seconds",
    "priority",
    "enabled",
    "api_key_set",
    "api_key_hint",
    "status",
    "last_tested_at",
    "last_error",
    "created_by",
    "created_at",
    "updated_at",
}


async def made(admin: Caller, **more: Any) -> dict[str, Any]:
    """Add a provider."""
    body = {"name": "main", "provider_type": "echo", "api_key": KEY, **more}
    answer = await admin.post("/providers", body)
    assert answer.status_code == 201, answer.text
    provider: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/providers/{provider['id']}"
    return provider


def wrong(answer: Any) -> dict[str, str]:
    """Return the wrong fields of a refused body."""
    assert answer.status_code == 422, answer.text
    fields = answer.json()["error"]["details"]["fields"]
    return {each["field"]: each["type"] for each in fields}


async def test_a_provider_lives_from_post_to_delete(api: Api) -> None:
    admin = await api.admin()
    provider = await made(admin)
    assert set(provider) == FIELDS
    defaults = {
        "base_url": None,
        "default_model": None,
        "models": [],
        "max_retries": 3,
        "timeout_seconds": 30,
        "priority": 0,
        "enabled": True,
        "api_key_set": True,
        "api_key_hint": "…4711",
        "status": "untested",
        "last_tested_at": None,
        "created_by": admin.user["id"],
    }
    assert {name: provider[name] for name in defaults} == defaults
    path = f"/providers/{provider['id']}"
    assert (await admin.get(path)).json() == provider
    assert (await admin.get("/providers")).json()["data"] == [provider]
    changes = {
        "name": "spare",
        "models": ["a", "b:c"],
        "default_model": "a",
        "timeout_seconds": 0.5,
    }
    changed = (await admin.put(path, changes)).json()
    assert {name: changed[name] for name in changes} == changes
    assert changed["api_key_set"] is True
    assert (await admin.put(path, {"default_model": None})).json()["default_model"] is None
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_a_viewer_reads_and_a_developer_does_no_more(api: Api) -> None:
    admin = await api.admin()
    provider = await made(admin)
    path = f"/providers/{provider['id']}"
    for role in ("viewer", "developer"):
        member = await api.member(admin, role)
        assert (await member.get("/providers")).json()["data"] == [provider]
        assert (await member.get(path)).json() == provider
        assert (await member.get(f"{path}/models")).json() == {"models": ["echo", "script"]}
        for refused in (
            await member.post("/providers", {"name": "x", "provider_type": "echo"}),
            await member.put(path, {"enabled": False}),
            await member.post(f"{path}/test"),
            await member.delete(path),
        ):
            assert refused.status_code == 403
    assert (await admin.get(path)).json() == provider


async def test_a_stranger_sees_and_changes_nothing(api: Api) -> None:
    provider, stranger = await made(await api.admin()), await api.admin()
    path = f"/providers/{provider['id']}"
    assert (await stranger.get("/providers")).json()["data"] == []
    for answer in (
        await stranger.get(path),
        await stranger.put(path, {"enabled": False}),
        await stranger.put(path, {"enabled": 7}),
        await stranger.post(f"{path}/test"),
        await stranger.get(f"{path}/models"),
        await stranger.delete(path),
    ):
        assert answer.status_code == 404
    await made(stranger)


async def test_every_wrong_field_is_told_at_once_and_no_value(api: Api) -> None:
    admin = await api.admin()
    body = {
        "name": "a:b",
        "provider_type": "skynet",
        "api_key": f"{KEY} {KEY}",
        "base_url": f"https://user:{KEY}@models.example.org",
        "models": ["m", ""],
        "max_retries": 11,
        "timeout_seconds": 0,
        "priority": "first",
        "status": "connected",
    }
    refused = await admin.post("/providers", body)
    assert wrong(refused) == {
        "name": "value_error",
        "provider_type": "enum",
        "api_key": "value_error",
        "base_url": "value_error",
        "models.1": "string_too_short",
        "max_retries": "less_than_equal",
        "timeout_seconds": "greater_than_equal",
        "priority": "int_type",
        "status": "extra_forbidden",
    }
    assert KEY not in refused.text
    assert wrong(await admin.post("/providers", {})) == {
        "name": "missing",
        "provider_type": "missing",
    }
    azure = {"name": "azure", "provider_type": "azure_openai"}
    assert wrong(await admin.post("/providers", azure)) == {"base_url": "value_error"}
    path = f"/providers/{(await made(admin))['id']}"
    assert wrong(await admin.put(path, {"provider_type": "openai"})) == {
        "provider_type": "extra_forbidden"
    }
    assert wrong(await admin.put(path, {"models": None, "name": "openai"})) == {
        "models": "list_type"
    }
    assert wrong(await admin.put(path, {"name": "openai"})) == {"name": "value_error"}


async def test_a_used_name_is_a_conflict(api: Api) -> None:
    admin = await api.admin()
    await made(admin)
    other = await made(admin, name="other")
    for refused in (
        await admin.post("/providers", {"name": "main", "provider_type": "openai"}),
        await admin.put(f"/providers/{other['id']}", {"name": "main"}),
    ):
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")


async def test_another_address_drops_the_key_and_null_takes_it_away(api: Api) -> None:
    admin = await api.admin()
    path = f"/providers/{(await made(admin, base_url='https://a.example.org'))['id']}"
    same = await admin.put(path, {"base_url": "https://a.example.org"})
    assert same.json()["api_key_set"] is True
    moved = (await admin.put(path, {"base_url": "https://b.example.org"})).json()
    assert (moved["api_key_set"], moved["api_key_hint"]) == (False, None)
    again = {"base_url": "https://c.example.org", "api_key": KEY}
    assert (await admin.put(path, again)).json()["api_key_set"] is True
    assert (await admin.put(path, {"api_key": None})).json()["api_key_set"] is False


async def test_a_test_says_whether_the_vendor_answers(api: Api) -> None:
    admin = await api.admin()
    path = f"/providers/{(await made(admin))['id']}"
    tested = await admin.post(f"{path}/test")
    assert tested.status_code == 200
    outcome = tested.json()
    assert outcome.pop("latency_ms") >= 0
    assert outcome == {"success": True, "models": ["echo", "script"], "error": None}
    provider = (await admin.get(path)).json()
    assert (provider["status"], provider["last_error"]) == ("connected", None)
    assert provider["last_tested_at"] is not None


async def test_a_dead_provider_is_no_error_of_ours(api: Api) -> None:
    admin = await api.admin()
    local = {"provider_type": "openai_compatible", "base_url": "http://127.0.0.1:9/v1"}
    path = f"/providers/{(await made(admin, **local))['id']}"
    tested = await admin.post(f"{path}/test")
    assert (tested.status_code, tested.json()["success"]) == (200, False)
    assert (tested.json()["models"], KEY in tested.text) == ([], False)
    provider = (await admin.get(path)).json()
    assert (provider["status"], provider["last_error"]) == ("error", tested.json()["error"])
    asked = await admin.get(f"{path}/models")
    assert (asked.status_code, asked.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert tested.json()["error"] in asked.json()["error"]["message"]


async def test_an_ollama_of_this_machine_is_open_to_providers_and_to_nobody_else(api: Api) -> None:
    admin = await api.admin()
    ollama = await made(admin, name="ollama", provider_type="ollama", api_key=None)
    assert ollama["base_url"] == "http://127.0.0.1:11434"
    tested = (await admin.post(f"/providers/{ollama['id']}/test")).json()
    assert "the operator has not opened it" not in str(tested["error"])
    aside = {"provider_type": "ollama", "base_url": "http://127.0.0.1:11435", "name": "aside"}
    path = f"/providers/{(await made(admin, **aside))['id']}/test"
    assert "the operator has not opened it" in (await admin.post(path)).json()["error"]
    request = OutboundRequest(method="GET", url=ollama["base_url"], headers={}, query={})
    with pytest.raises(OutboundError) as refused:
        await api.container.http_client().send(request)
    assert refused.value.code == "EGRESS_DENIED"


async def test_retried_with_its_idempotency_key_it_is_added_once(api: Api) -> None:
    admin = await api.admin()
    body = {"name": "main", "provider_type": "echo", "api_key": KEY}
    first, second = [
        await admin.post("/providers", body, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert (await admin.get("/providers")).json()["pagination"]["total"] == 1


async def test_no_answer_is_documented_to_hold_a_key(api: Api) -> None:
    document = await document_of(api)
    schemas = document["components"]["schemas"]
    assert not {"api_key", "sealed_key"} & set(schemas["ProviderOut"]["properties"])


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[tuple[Path, SqlStorage]]:
    """A SQLite file and the storage over it."""
    file = tmp_path / "orbiter.db"
    url = f"sqlite+aiosqlite:///{file}"
    await migrate(url)
    storage = SqlStorage.connect(url)
    yield file, storage
    await storage.close()


async def test_the_key_is_in_no_answer_log_audit_entry_or_file(
    database: tuple[Path, SqlStorage],
) -> None:
    file, storage = database
    seen: list[str] = []
    with structlog.testing.capture_logs() as logged:
        async with running(storage) as api:
            admin = await api.admin()
            local = {"provider_type": "openai_compatible", "base_url": "http://127.0.0.1:9/v1"}
            path = f"/providers/{(await made(admin, **local))['id']}"
            key = {"Idempotency-Key": "once"}
            second = {"name": "second", "provider_type": "echo", "api_key": KEY}
            for answer in (
                await admin.post("/providers", second, headers=key),
                await admin.put(path, {"api_key": KEY}),
                await admin.put(path, {"api_key": KEY, "max_retries": 99}),
                await admin.post("/providers", second),
                await admin.post(f"{path}/test"),
                await admin.get(f"{path}/models"),
                await admin.get(path),
                await admin.get("/providers"),
                await admin.get("/audit-log"),
            ):
                seen.append(answer.text)
            assert {
                answer["action"] for answer in (await admin.get("/audit-log")).json()["data"]
            } > {
                "provider.created",
                "provider.updated",
                "provider.tested",
            }
    assert KEY not in "".join(seen) + repr(logged)
    with sqlite3.connect(file) as connection:
        (sealed,) = connection.execute("SELECT sealed_key FROM providers WHERE name = 'main'")
    connection.close()
    assert sealed[0] and KEY.encode() not in sealed[0]
    for kept in file.parent.iterdir():
        assert KEY.encode() not in kept.read_bytes()
