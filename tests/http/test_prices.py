"""Prices over HTTP: the kept list, and what the workspace pays."""

from typing import Any

import pytest

from support.api import Api

FIELDS = {"model", "provider", "input_usd_per_million", "output_usd_per_million", "source"}
PRICE = {"input_usd_per_million": 1.25, "output_usd_per_million": 10}


async def test_a_price_is_set_and_gone_back_from(api: Api) -> None:
    admin = await api.admin()
    (kept,) = [each for each in await found(admin, "gpt-4o") if each["model"] == "openai:gpt-4o"]
    assert (set(kept), kept["source"], kept["provider"]) == (FIELDS, "kept", "openai")
    answer = await admin.put("/prices/openai:gpt-4o", PRICE)
    assert answer.status_code == 200
    own = {**PRICE, "model": "openai:gpt-4o", "provider": "openai", "source": "workspace"}
    assert answer.json() == own
    assert (await found(admin, "openai:gpt-4o"))[0] == own
    again = await admin.put("/prices/openai:gpt-4o", {**PRICE, "output_usd_per_million": 0})
    assert again.json() == {**own, "output_usd_per_million": 0}
    gone = await admin.delete("/prices/openai:gpt-4o")
    assert (gone.status_code, gone.content) == (204, b"")
    assert kept in await found(admin, "openai:gpt-4o")
    refused = await admin.delete("/prices/openai:gpt-4o")
    assert (refused.status_code, refused.json()["error"]["message"]) == (404, "Price not found")


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("openrouter:anthropic/claude-sonnet-4.5", "openrouter:anthropic/claude-sonnet-4.5"),
        ("openrouter%3Aanthropic%2Fclaude-sonnet-4.5", "openrouter:anthropic/claude-sonnet-4.5"),
        ("llama3:8b", "llama3:8b"),
        ("a%20b%25c", "a b%c"),
        ("%C3%BC", "ü"),
        ("a/b/c", "a/b/c"),
    ],
)
async def test_a_model_may_have_slashes_and_colons_in_its_name(
    api: Api, path: str, model: str
) -> None:
    admin = await api.admin()
    assert (await admin.put(f"/prices/{path}", PRICE)).json()["model"] == model
    assert [each["model"] for each in await found(admin, model)][0] == model
    assert (await admin.delete(f"/prices/{path}")).status_code == 204


async def test_figures_come_back_as_they_were_sent(api: Api) -> None:
    admin = await api.admin()
    for figure in (0, 0.000000001, 0.1, 0.3, 2.675, 99999.123456789, 100000):
        body = {"input_usd_per_million": figure, "output_usd_per_million": figure}
        assert (await admin.put("/prices/m", body)).json()["input_usd_per_million"] == figure
        assert (await found(admin, "m"))[0]["output_usd_per_million"] == figure


async def test_every_wrong_field_is_told_at_once(api: Api) -> None:
    admin = await api.admin()
    for body, wrong in (
        ({}, {"input_usd_per_million": "missing", "output_usd_per_million": "missing"}),
        (
            {"input_usd_per_million": -1, "output_usd_per_million": 100000.5, "x": 1},
            {
                "input_usd_per_million": "greater_than_equal",
                "output_usd_per_million": "less_than_equal",
                "x": "extra_forbidden",
            },
        ),
        (
            {"input_usd_per_million": 1e-10, "output_usd_per_million": "1"},
            {"input_usd_per_million": "decimal_max_places", "output_usd_per_million": "float_type"},
        ),
        (
            {"input_usd_per_million": 1e-10, "output_usd_per_million": 1},
            {"input_usd_per_million": "decimal_max_places"},
        ),
    ):
        refused = await admin.put("/prices/m", body)
        assert refused.status_code == 422
        fields = refused.json()["error"]["details"]["fields"]
        assert {each["field"]: each["type"] for each in fields} == wrong
    assert (await admin.put(f"/prices/{'m' * 256}", PRICE)).status_code == 422
    assert (await admin.put("/prices", PRICE)).status_code == 405
    assert await found(admin, "m", source="workspace") == []


async def test_the_list_is_paginated(api: Api) -> None:
    admin = await api.admin()
    await admin.put("/prices/zzz", PRICE)
    first = (await admin.get("/prices", params={"limit": 100})).json()
    assert first["data"][0]["model"] == "zzz"
    assert first["pagination"]["total"] > 1000
    cursor = first["pagination"]["next_cursor"]
    second = (await admin.get("/prices", params={"limit": 100, "cursor": cursor})).json()
    names = [each["model"] for each in first["data"][1:] + second["data"]]
    assert len(set(names)) == 199 and names == sorted(names)
    stranger = await api.admin()
    assert (await stranger.get("/prices", params={"cursor": cursor})).status_code == 400
    assert (await admin.get("/prices", params={"q": "a\0"})).status_code == 400


async def test_another_workspace_has_prices_of_its_own(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    await admin.put("/prices/zzz", PRICE)
    assert await found(stranger, "zzz") == []
    assert (await stranger.delete("/prices/zzz")).status_code == 404


async def test_a_viewer_looks_up_and_changes_nothing(api: Api) -> None:
    admin = await api.admin()
    viewer = await api.member(admin, "viewer")
    assert await found(viewer, "gpt-4o")
    assert (await viewer.put("/prices/zzz", PRICE)).status_code == 403
    assert (await viewer.delete("/prices/zzz")).status_code == 403


async def found(caller: Any, q: str, **fields: Any) -> list[dict[str, Any]]:
    """Return the first prices that match, with the *fields* given."""
    page = (await caller.get("/prices", params={"q": q, "limit": 100})).json()["data"]
    return [each for each in page if fields.items() <= each.items()]
