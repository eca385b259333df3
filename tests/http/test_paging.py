"""Pages over HTTP: bounds, cursors, and what stays where it was."""

import re

import pytest

from support.api import Api


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "order=up", "cursor=x", "cursor=%00", "cursor=AAAA"],
)
async def test_a_bad_page_is_a_bad_request(api: Api, query: str) -> None:
    answer = await (await api.admin()).get(f"/projects?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")


async def test_pages_hold_everything_once_while_more_is_added(api: Api) -> None:
    admin = await api.admin()
    names = [f"p{number}" for number in range(7)]
    for name in names:
        await admin.project(name)
    first = (await admin.get("/projects?limit=3")).json()
    await admin.project("newcomer")
    second = (
        await admin.get(f"/projects?limit=5&cursor={first['pagination']['next_cursor']}")
    ).json()
    seen = [each["name"] for each in first["data"] + second["data"]]
    assert seen == names[::-1]
    assert first["pagination"]["total"] == 7
    assert second["pagination"] == {"next_cursor": None, "has_more": False, "total": 8}
    oldest = (await admin.get("/projects?order=asc&limit=1")).json()["data"][0]
    assert oldest["name"] == "p0"


async def test_a_cursor_is_taken_as_it_was_given_or_not_at_all(api: Api) -> None:
    admin = await api.admin()
    for name in ("a", "b"):
        await admin.project(name)
    cursor = (await admin.get("/projects?limit=1")).json()["pagination"]["next_cursor"]
    assert re.fullmatch(r"[\w-]+", cursor)
    for forged in (cursor[:-1], f"{cursor}A", f"{cursor}=", f"!{cursor}", cursor.swapcase()):
        refused = await admin.get("/projects", params={"cursor": forged})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_REQUEST")


async def test_a_cursor_fits_its_own_list_alone(api: Api) -> None:
    admin, other = await api.admin(), await api.admin()
    for caller in (admin, other):
        for name in ("a", "b"):
            await caller.project(name)
    cursor = (await admin.get("/projects?limit=1")).json()["pagination"]["next_cursor"]
    assert (await admin.get(f"/projects?limit=1&cursor={cursor}")).status_code == 200
    assert (await admin.get(f"/workflows?cursor={cursor}")).status_code == 400
    assert (await admin.get(f"/projects?order=asc&cursor={cursor}")).status_code == 400
    assert (await other.get(f"/projects?cursor={cursor}")).status_code == 400
