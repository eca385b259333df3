"""What an engine keeps beside runs: taken up once, parked, woken, recorded, buried."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from orbiter.application.ports.executions import Claimed, Executions, Recorded
from orbiter.application.ports.storage import Storage
from orbiter.domain.runs import Run
from support.clock import START
from support.tenants import Tenant

LATER = START + timedelta(minutes=1)
TTL = 60.0
DEAD = 0.0


@asynccontextmanager
async def kept(storage: Storage, *, reading: bool = False) -> AsyncIterator[Executions]:
    async with storage.open("", reading=reading) as uow:
        yield uow.executions


async def accepted(
    storage: Storage,
    tenant: Tenant,
    *,
    by: str | None = None,
    interpreter: int = 1,
    count: int = 1,
    **changes: object,
) -> list[str]:
    """Return the ids of new runs, due at START and later."""
    ids = []
    async with storage.open(tenant.id) as uow:
        for number in range(count):
            run: Run = tenant.new("runs", **changes)
            await uow.runs.add(run)
            due_at = START + timedelta(milliseconds=number)
            await uow.executions.add(
                run.id, tenant.id, executor_id=by, interpreter=interpreter, due_at=due_at
            )
            ids.append(run.id)
    return ids


async def taken(
    storage: Storage, who: str, limit: int = 10, *, interpreter: int = 1
) -> Sequence[Claimed]:
    async with kept(storage) as executions:
        return await executions.claim(who, interpreter=interpreter, limit=limit, at=LATER)


async def test_what_is_due_is_taken_up_longest_due_first(storage: Storage, tenant: Tenant) -> None:
    first, second = await accepted(storage, tenant, count=2)
    async with kept(storage) as executions:
        assert await executions.due() == START
        assert (
            await executions.claim("a", interpreter=1, limit=9, at=START - timedelta(seconds=1))
            == []
        )
        (claimed,) = await executions.claim("a", interpreter=1, limit=1, at=LATER)
    assert claimed == Claimed(run_id=first, workspace_id=tenant.id, takeups=1)
    assert [each.run_id for each in await taken(storage, "b")] == [second]
    async with kept(storage, reading=True) as executions:
        assert await executions.due() is None


async def test_many_who_claim_at_once_take_each_run_once(storage: Storage, tenant: Tenant) -> None:
    ids = await accepted(storage, tenant, count=40)
    claims = await asyncio.gather(*(taken(storage, f"e{n}", 7) for n in range(8)))
    assert sorted(each.run_id for claim in claims for each in claim) == sorted(ids)


async def test_a_workspace_may_be_passed_over(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    await accepted(storage, tenant, count=2)
    (theirs,) = await accepted(storage, stranger)
    async with kept(storage) as executions:
        claimed = await executions.claim("a", interpreter=1, limit=9, at=LATER, passing={tenant.id})
    assert [each.run_id for each in claimed] == [theirs]


async def test_a_run_claimed_at_its_acceptance_is_nobody_elses(
    storage: Storage, tenant: Tenant
) -> None:
    (run,) = await accepted(storage, tenant, by="a")
    assert await taken(storage, "b") == []
    async with kept(storage) as executions:
        assert await executions.holds(run, "a")
        assert not await executions.holds(run, "b")
        assert set(await executions.lost("b", [run])) == {run}
        assert set(await executions.lost("a", [run])) == set()
        assert set(await executions.kept([run, "another"])) == {run}


async def test_what_another_has_can_not_be_ended_parked_released_or_recorded(
    storage: Storage, tenant: Tenant
) -> None:
    (run,) = await accepted(storage, tenant, by="a")
    async with kept(storage) as executions:
        assert not await executions.park(run, "b", wake_at=None)
        assert not await executions.remove(run, "b")
        assert await executions.record_all("b", [(run, Recorded(key="k", value=1))]) == [None]
        await executions.release([run], "b")
        assert await executions.recorded(run) == {}
        assert await executions.holds(run, "a")
        assert await executions.remove(run, "a")
        assert not await executions.remove(run, "a")


async def test_a_parked_run_is_due_at_its_time_with_its_take_ups_counted_anew(
    storage: Storage, tenant: Tenant
) -> None:
    (run,) = await accepted(storage, tenant, by="a")
    async with kept(storage) as executions:
        assert await executions.park(run, "a", wake_at=LATER, seconds=2.5)
        assert (
            await executions.claim("b", interpreter=1, limit=1, at=LATER - timedelta(seconds=1))
            == []
        )
        (claimed,) = await executions.claim("b", interpreter=1, limit=1, at=LATER)
    assert (claimed.takeups, claimed.seconds) == (1, 2.5)


async def test_a_parked_run_without_a_time_waits_for_a_word(
    storage: Storage, tenant: Tenant
) -> None:
    (run,) = await accepted(storage, tenant, by="a")
    async with kept(storage) as executions:
        await executions.park(run, "a", wake_at=None)
        assert await executions.due() is None
        assert await executions.claim("a", interpreter=1, limit=1, at=LATER) == []
        await executions.wake(run)
    assert [each.run_id for each in await taken(storage, "b")] == [run]


async def test_a_word_that_comes_before_the_park_is_not_lost(
    storage: Storage, tenant: Tenant
) -> None:
    (run,) = await accepted(storage, tenant, by="a")
    async with kept(storage) as executions:
        await executions.wake(run)
        assert await executions.claim("b", interpreter=1, limit=1, at=LATER) == []
        assert await executions.park(run, "a", wake_at=None)
    assert [each.run_id for each in await taken(storage, "b")] == [run]
    async with kept(storage) as executions:
        await executions.park(run, "b", wake_at=None)
        assert await executions.claim("b", interpreter=1, limit=1, at=LATER) == [], (
            "one word wakes once"
        )


@pytest.mark.parametrize("_", range(5))
async def test_parking_and_waking_at_once_leave_the_run_due(
    storage: Storage, tenant: Tenant, _: int
) -> None:
    (run,) = await accepted(storage, tenant, by="a")

    async def park() -> None:
        async with kept(storage) as executions:
            await executions.park(run, "a", wake_at=None)

    async def wake() -> None:
        async with kept(storage) as executions:
            await executions.wake(run)

    await asyncio.gather(park(), wake())
    assert [each.run_id for each in await taken(storage, "b")] == [run]


async def test_a_released_run_is_due_and_the_take_up_does_not_count(
    storage: Storage, tenant: Tenant
) -> None:
    (run,) = await accepted(storage, tenant, by="a")
    async with kept(storage) as executions:
        await executions.release([run], "a")
    (claimed,) = await taken(storage, "b")
    assert (claimed.run_id, claimed.takeups) == (run, 1)


async def test_an_outcome_is_recorded_once(storage: Storage, tenant: Tenant) -> None:
    (run,) = await accepted(storage, tenant, by="a")
    odd = {"text": "a\0b\ud800", "many": [1.5, None, 10**30]}
    good = Recorded(key=f"{run}:{'n' * 5000}:0:1", value=odd, failures=(("TIMEOUT", "slow"),))
    bad = Recorded(key="bad", failures=(("A", "b"), ("C", "d")), failed=True)
    async with kept(storage) as executions:
        assert await executions.record_all("a", [(run, good)]) == [good]
        assert await executions.record(run, bad)
        assert not await executions.record(run, Recorded(key=good.key, value=2))
        assert not await executions.record(run, Recorded(key="bad", value=2))
    async with kept(storage, reading=True) as executions:
        assert await executions.recorded(run) == {good.key: good, bad.key: bad}
        assert await executions.recorded("another") == {}


async def test_of_outcomes_recorded_together_each_is_told_what_is_kept(
    storage: Storage, tenant: Tenant
) -> None:
    mine, theirs = await accepted(storage, tenant, count=2)
    async with kept(storage) as executions:
        await executions.claim("a", interpreter=1, limit=1, at=LATER)
        await executions.claim("b", interpreter=1, limit=1, at=LATER)
        await executions.record(mine, old := Recorded(key="old", value=1))
    new, another = Recorded(key="new", value=[2]), Recorded(key="another", value="3")
    async with kept(storage) as executions:
        outcomes = [(mine, new), (mine, Recorded(key="old", value=4)), (theirs, new)]
        assert await executions.record_all("a", outcomes) == [new, old, None]
        assert await executions.record_all("a", [(mine, another), (mine, new)]) == [another, new]
        assert await executions.record_all("a", [("unknown", new)]) == [None]
        assert await executions.record_all("a", []) == []
    async with kept(storage, reading=True) as executions:
        assert await executions.recorded(theirs) == {}
        assert await executions.recorded(mine) == {"old": old, "new": new, "another": another}


async def test_two_who_record_at_once_agree_on_one(storage: Storage, tenant: Tenant) -> None:
    (run,) = await accepted(storage, tenant)

    async def record(value: int) -> bool:
        async with kept(storage) as executions:
            return await executions.record(run, Recorded(key="k", value=value))

    done = await asyncio.gather(*(record(value) for value in range(6)))
    assert sum(done) == 1
    async with kept(storage, reading=True) as executions:
        assert (await executions.recorded(run))["k"].value == done.index(True)


async def test_executions_and_records_go_with_their_run(storage: Storage, tenant: Tenant) -> None:
    (run,) = await accepted(storage, tenant, by="a")
    async with kept(storage) as executions:
        await executions.record(run, Recorded(key="k", value=1))
    async with storage.open(tenant.id) as uow:
        await uow.runs.remove(run)
    async with kept(storage) as executions:
        assert set(await executions.kept([run])) == set()
        assert await executions.recorded(run) == {}
        assert set(await executions.lost("a", [run])) == {run}


async def test_the_unended_children_of_a_run_are_found(storage: Storage, tenant: Tenant) -> None:
    (parent,) = await accepted(storage, tenant)
    (child, ended) = await accepted(storage, tenant, count=2, parent_run_id=parent)
    async with kept(storage) as executions:
        await executions.remove(ended)
        assert [each.run_id for each in await executions.children(parent)] == [child]


async def test_the_runs_of_the_dead_are_freed_and_those_of_the_living_are_not(
    storage: Storage, tenant: Tenant
) -> None:
    async with kept(storage) as executions:
        await executions.enroll("dead", interpreter=1, ttl_seconds=DEAD)
        await executions.enroll("alive", interpreter=1, ttl_seconds=TTL)
    (left,) = await accepted(storage, tenant, by="dead")
    (kept_on,) = await accepted(storage, tenant, by="alive")
    async with kept(storage) as executions:
        assert not await executions.beat("dead", ttl_seconds=TTL)
        assert await executions.beat("alive", ttl_seconds=TTL)
        assert await executions.bury() == 1
    assert [each.run_id for each in await taken(storage, "alive")] == [left]
    async with kept(storage) as executions:
        assert await executions.holds(kept_on, "alive")
        assert not await executions.beat("dead", ttl_seconds=TTL), "who was buried stays so"


async def test_of_two_who_bury_one_frees(storage: Storage, tenant: Tenant) -> None:
    async with kept(storage) as executions:
        await executions.enroll("dead", interpreter=1, ttl_seconds=DEAD)
    await accepted(storage, tenant, by="dead", count=3)

    async def bury() -> int:
        async with kept(storage) as executions:
            return await executions.bury()

    assert sorted(await asyncio.gather(bury(), bury())) == [0, 3]


async def test_a_survivor_frees_what_everybody_else_had(storage: Storage, tenant: Tenant) -> None:
    async with kept(storage) as executions:
        await executions.enroll("earlier", interpreter=1, ttl_seconds=TTL)
        await executions.enroll("me", interpreter=1, ttl_seconds=TTL)
    await accepted(storage, tenant, by="me")
    (left,) = await accepted(storage, tenant, by="earlier")
    async with kept(storage) as executions:
        assert await executions.bury(survivor="me") == 1
        assert await executions.beat("me", ttl_seconds=TTL)
    assert [each.run_id for each in await taken(storage, "me")] == [left]


async def test_who_retires_leaves_runs_that_are_due(storage: Storage, tenant: Tenant) -> None:
    async with kept(storage) as executions:
        await executions.enroll("a", interpreter=1, ttl_seconds=TTL)
    (run,) = await accepted(storage, tenant, by="a")
    async with kept(storage) as executions:
        await executions.retire("a")
        assert not await executions.beat("a", ttl_seconds=TTL)
    assert [each.run_id for each in await taken(storage, "b")] == [run]


async def test_what_is_rolled_back_was_never_kept(storage: Storage, tenant: Tenant) -> None:
    (run,) = await accepted(storage, tenant)
    with pytest.raises(RuntimeError):
        async with kept(storage) as executions:
            await executions.claim("a", interpreter=1, limit=1, at=LATER)
            await executions.record(run, Recorded(key="k", value=1))
            raise RuntimeError
    assert [each.takeups for each in await taken(storage, "b")] == [1]
    async with kept(storage, reading=True) as executions:
        assert await executions.recorded(run) == {}


async def test_reading_changes_nothing(storage: Storage, tenant: Tenant) -> None:
    (run,) = await accepted(storage, tenant)
    with pytest.raises(RuntimeError):
        async with kept(storage, reading=True) as executions:
            await executions.wake(run)
    with pytest.raises(RuntimeError):
        async with kept(storage, reading=True) as executions:
            await executions.claim("a", interpreter=1, limit=1, at=LATER)


class TestInterpreters:
    """Old runs are for the old one while it lives, new runs for the new one."""

    async def test_one_that_is_alone_takes_everything(
        self, storage: Storage, tenant: Tenant
    ) -> None:
        ids = await accepted(storage, tenant)
        ids += await begun(storage, tenant, by="gone", interpreter=1)
        ids += await begun(storage, tenant, by="gone", interpreter=3)
        async with kept(storage) as executions:
            await executions.enroll("b", interpreter=2, ttl_seconds=TTL)
            assert await executions.newest() == 2
        assert [each.run_id for each in await taken(storage, "b", interpreter=2)] == ids

    async def test_what_an_interpreter_began_is_its_own_while_it_lives(
        self, storage: Storage, tenant: Tenant
    ) -> None:
        old = await begun(storage, tenant, by="a", interpreter=1)
        new = await begun(storage, tenant, by="b", interpreter=2)
        await self._enroll(storage, a=1, b=2)
        assert [each.run_id for each in await taken(storage, "b", interpreter=2)] == new
        assert [each.run_id for each in await taken(storage, "a", interpreter=1)] == old

    async def test_what_nobody_began_is_for_the_newest_alone(
        self, storage: Storage, tenant: Tenant
    ) -> None:
        ids = await accepted(storage, tenant, count=3)
        await self._enroll(storage, a=1, b=2, c=2)
        assert await taken(storage, "a", interpreter=1) == []
        assert [each.run_id for each in await taken(storage, "b", 1, interpreter=2)] == ids[:1]
        assert [each.run_id for each in await taken(storage, "c", interpreter=2)] == ids[1:]

    async def test_what_is_passed_over_takes_no_place(
        self, storage: Storage, tenant: Tenant
    ) -> None:
        await accepted(storage, tenant, count=3)
        old = await begun(storage, tenant, by="a", interpreter=1)
        await self._enroll(storage, a=1, b=2)
        assert [each.run_id for each in await taken(storage, "a", 1, interpreter=1)] == old

    @pytest.mark.parametrize("ends", ["retires", "dies"])
    async def test_what_an_interpreter_leaves_is_for_everybody(
        self, storage: Storage, tenant: Tenant, ends: str
    ) -> None:
        parked = await begun(storage, tenant, by="a", interpreter=1)
        at_work = await accepted(storage, tenant, by="a", interpreter=1)
        async with kept(storage) as executions:
            lasts = DEAD if ends == "dies" else TTL
            await executions.enroll("a", interpreter=1, ttl_seconds=lasts)
            await executions.enroll("b", interpreter=2, ttl_seconds=TTL)
            if ends == "dies":
                assert await executions.bury() == 1
            else:
                await executions.retire("a")
            assert await executions.newest() == 2
        claimed = await taken(storage, "b", interpreter=2)
        assert [each.run_id for each in claimed] == parked + at_work

    async def test_what_was_taken_over_stays_with_who_took_it(
        self, storage: Storage, tenant: Tenant
    ) -> None:
        (run,) = await begun(storage, tenant, by="a", interpreter=1)
        await self._enroll(storage, b=2)
        await taken(storage, "b", interpreter=2)
        async with kept(storage) as executions:
            await executions.park(run, "b", wake_at=START)
        await self._enroll(storage, a=1)
        assert await taken(storage, "a", interpreter=1) == []
        assert [each.run_id for each in await taken(storage, "b", interpreter=2)] == [run]

    async def test_a_newer_one_that_dies_stands_in_nobodys_way(
        self, storage: Storage, tenant: Tenant
    ) -> None:
        ids = await accepted(storage, tenant)
        await self._enroll(storage, a=1)
        async with kept(storage) as executions:
            await executions.enroll("b", interpreter=2, ttl_seconds=DEAD)
            assert await executions.newest() == 1
        assert [each.run_id for each in await taken(storage, "a", interpreter=1)] == ids

    async def test_a_beat_keeps_the_interpreter(self, storage: Storage) -> None:
        await self._enroll(storage, a=3)
        async with kept(storage) as executions:
            assert await executions.beat("a", ttl_seconds=TTL)
            assert await executions.newest() == 3

    async def test_nobody_lives_at_first(self, storage: Storage) -> None:
        async with kept(storage, reading=True) as executions:
            assert await executions.newest() is None

    async def _enroll(self, storage: Storage, **interpreters: int) -> None:
        async with kept(storage) as executions:
            for who, interpreter in interpreters.items():
                await executions.enroll(who, interpreter=interpreter, ttl_seconds=TTL)


async def begun(storage: Storage, tenant: Tenant, *, by: str, interpreter: int) -> list[str]:
    """Return the id of a run that was executed, and parked; it is due at START."""
    ids = await accepted(storage, tenant, by=by, interpreter=interpreter)
    async with kept(storage) as executions:
        for run in ids:
            await executions.park(run, by, wake_at=START)
    return ids
