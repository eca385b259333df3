"""Keyset pages of every list, in every storage."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import BadRequest
from support.tenants import LISTS, NOUNS, Tenant, ids, repository

both_ways = pytest.mark.parametrize("newest_first", [True, False])
every_list = pytest.mark.parametrize("noun", LISTS)


@every_list
@both_ways
async def test_pages_together_are_the_whole_list_in_order(
    storage: Storage, tenant: Tenant, noun: str, newest_first: bool
) -> None:
    await add(storage, tenant, noun, 7)
    whole = ids((await tenant.listed(storage, noun, newest_first=newest_first)).items)
    assert whole == sorted(whole, reverse=newest_first) and len(whole) >= 7
    for limit in (1, 3, len(whole), 100):
        pages = [page async for page in turned(storage, tenant, noun, limit, newest_first)]
        assert [each for page in pages for each in ids(page.items)] == whole
        assert {len(page.items) for page in pages[:-1]} <= {limit}
        assert {page.total for page in pages} == {len(whole)}


@every_list
async def test_an_empty_list_is_one_empty_page(storage: Storage, tenant: Tenant, noun: str) -> None:
    async with storage.open(new_id(), reading=True) as uow:
        page = await tenant.page(uow, noun, PageRequest())
    assert (list(page.items), page.next_after, page.total) == ([], None, 0)


@every_list
@both_ways
async def test_pages_are_stable_while_rows_come_and_go(
    storage: Storage, tenant: Tenant, noun: str, newest_first: bool
) -> None:
    await add(storage, tenant, noun, 6)
    before = ids((await tenant.listed(storage, noun, newest_first=newest_first)).items)
    seen: list[str] = []
    async for page in turned(storage, tenant, noun, 2, newest_first):
        seen += ids(page.items)
        if len(seen) < len(before):
            await add(storage, tenant, noun, 1)
    # What comes later is met at the end of an ascending list, and not at all in the other.
    assert seen[: len(before)] == before
    assert (len(seen) > len(before)) is not newest_first


@pytest.mark.parametrize("noun", NOUNS)
@both_ways
async def test_a_page_goes_on_behind_a_row_that_is_gone(
    storage: Storage, tenant: Tenant, noun: str, newest_first: bool
) -> None:
    await add(storage, tenant, noun, 4)
    whole = ids((await tenant.listed(storage, noun, newest_first=newest_first)).items)
    gone = whole[1] if whole[1] != tenant.user.id else whole[2]
    async with storage.open(tenant.id) as uow:
        await repository(uow, noun).remove(gone)
    page = await tenant.listed(storage, noun, newest_first=newest_first, after=gone)
    assert ids(page.items) == whole[whole.index(gone) + 1 :]
    assert page.total == len(whole) - 1


@every_list
async def test_a_cursor_that_is_no_id_is_a_bad_request(
    storage: Storage, tenant: Tenant, noun: str
) -> None:
    for after in ("", "\0", "5", "ü" * 100_000, new_id().upper()):
        with pytest.raises(BadRequest):
            await tenant.listed(storage, noun, after=after)


async def add(storage: Storage, tenant: Tenant, noun: str, count: int) -> None:
    """Store *count* more of a kind."""
    async with storage.open(tenant.id) as uow:
        for _ in range(count):
            await repository(uow, noun).add(tenant.new(noun))


async def turned(
    storage: Storage, tenant: Tenant, noun: str, limit: int, newest_first: bool
) -> AsyncIterator[Any]:
    """Yield page after page, each by a unit of work of its own."""
    after: str | None = None
    while True:
        page = await tenant.listed(
            storage, noun, limit=limit, newest_first=newest_first, after=after
        )
        yield page
        if page.next_after is None:
            return
        after = page.next_after
