"""Following runs: nothing lost or doubled, whenever a reader comes, goes, or stands still."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.adapters.memory.run_feed import CHARACTERS_MAX, PIECES_MAX, MemoryRunFeed
from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.storage import Storage
from orbiter.application.run_endings import RunEndings
from orbiter.application.run_events import Chronicle, RunEventHandlers, Told
from orbiter.application.work import Work
from orbiter.domain.errors import Forbidden, NotFound, Unavailable
from orbiter.domain.identity import Actor, Role, permissions_of
from orbiter.domain.run_events import Delta, RunEvent, RunEventType
from orbiter.domain.runs import Run, Step, StepKind
from support.builders import a_run, a_step
from support.clock import START
from support.plant import Hiccups
from support.tenants import Tenant, settle
from support.virtual_time import VirtualClock

STEPS = 4
# Its start, two of each step, its end.
EVENTS = 2 * STEPS + 2


@dataclass
class Station:
    """A run that is told of, and whoever listens."""

    storage: Storage = field(default_factory=MemoryStorage)
    clock: VirtualClock = field(default_factory=VirtualClock)
    feed: MemoryRunFeed = field(default_factory=MemoryRunFeed)

    def __post_init__(self) -> None:
        self.chronicle = Chronicle(self.feed, self.clock)
        self.handlers = RunEventHandlers(Work(self.storage, self.clock, new_id), self.feed)

    async def begin(self) -> "Station":
        self.tenant: Tenant = await settle(self.storage)
        self.run: Run = a_run(self.tenant.project).start(at=START)
        self.steps: Sequence[Step] = [a_step(self.run, number) for number in range(STEPS)]
        self.actor = Actor(
            user_id=new_id(),
            workspace_id=self.tenant.id,
            role=Role.VIEWER,
            permissions=permissions_of(Role.VIEWER),
        )
        async with self.storage.open(self.tenant.id) as uow:
            await uow.runs.add(self.run)
            await self.chronicle.of_run(uow, self.run)
        return self

    async def say(self, *steps: Step, run: Run | None = None) -> None:
        async with self.storage.open(self.tenant.id) as uow:
            await uow.runs.put_steps(steps)
            if run is None:
                await self.chronicle.of_steps(uow, self.run, steps)
            elif await uow.runs.advance(run):
                await self.chronicle.of_run(uow, run, steps)

    async def say_all(self) -> None:
        """Tell the whole run, giving readers a turn after each event."""
        for step in self.steps:
            for told in (step, step.complete("x", at=START)):
                await self.say(told)
                await asyncio.sleep(0)
        await self.say(run=self.run.complete("y", at=START))

    async def follow(self, after: int = 0) -> AsyncGenerator[Told, None]:
        events = await self.handlers.follow(self.actor, self.run.id, after=after)
        assert events is not None
        return events

    async def heard(self, after: int = 0, *, until: int | None = None) -> list[int]:
        """Return the sequences of what is heard till the end, or till one has been."""
        heard: list[int] = []
        async with aclosing(await self.follow(after)) as events:
            async for event in events:
                if event is not None:
                    heard.append(event.sequence)
                    if event.sequence == until:
                        break
        return heard


@pytest.fixture
async def station() -> Station:
    return await Station().begin()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, EVENTS), max_size=4))
def test_wherever_a_reader_is_cut_off_it_goes_on_there(cuts: list[int]) -> None:
    async def play() -> list[int]:
        station = await Station().begin()
        telling = asyncio.ensure_future(station.say_all())
        heard: list[int] = []
        for cut in sorted(set(cuts) - {EVENTS}):
            heard += await station.heard(heard[-1] if heard else 0, until=cut)
        heard += await station.heard(heard[-1] if heard else 0)
        await telling
        return heard

    assert asyncio.run(play()) == list(range(1, EVENTS + 1))


async def test_every_one_of_200_readers_hears_everything(station: Station) -> None:
    readers = [asyncio.ensure_future(station.heard(number % 2)) for number in range(200)]
    await asyncio.sleep(0)
    await station.say_all()
    async with asyncio.timeout(20):
        heard = await asyncio.gather(*readers)
    whole = list(range(1, EVENTS + 1))
    assert heard == [whole[number % 2 :] for number in range(200)]


async def test_a_reader_that_stands_still_holds_nobody_up_and_misses_nothing(
    station: Station,
) -> None:
    async with aclosing(await station.follow()) as still:
        first = await anext(still)
        await station.say_all()
        assert await station.heard() == list(range(1, EVENTS + 1))
        rest = [event.sequence async for event in still if event is not None]
    assert first is not None
    assert [first.sequence, *rest] == list(range(1, EVENTS + 1))


async def test_silence_is_told_every_fifteen_seconds(station: Station) -> None:
    async def beats() -> list[tuple[float, object]]:
        told: list[tuple[float, object]] = []
        async with aclosing(await station.follow()) as events:
            async for event in events:
                seconds = (station.clock.now() - START).total_seconds()
                told.append((seconds, event.type if isinstance(event, RunEvent) else event))
                if len(told) == 3:
                    await station.say(station.steps[0])
                if len(told) == 6:
                    return told
        raise AssertionError

    assert await station.clock.through(beats()) == [
        (0.0, RunEventType.RUN_STARTED),
        (15.0, None),
        (30.0, None),
        (30.0, RunEventType.STEP_STARTED),
        (45.0, None),
        (60.0, None),
    ]


async def test_nobody_listens_for_ever(station: Station) -> None:
    assert await station.clock.through(station.heard()) == [1]
    assert (station.clock.now() - START).total_seconds() == 3600
    await station.say_all()
    assert await station.heard(1) == list(range(2, EVENTS + 1))


async def test_a_word_that_is_lost_delays_and_loses_nothing(station: Station) -> None:
    deaf = Chronicle(MemoryRunFeed(), station.clock)
    station.chronicle = deaf

    async def listen() -> list[int]:
        heard = asyncio.ensure_future(station.heard())
        await station.clock.sleep(1)
        await station.say_all()
        return await heard

    assert await station.clock.through(listen()) == list(range(1, EVENTS + 1))
    assert (station.clock.now() - START).total_seconds() == 5


async def test_a_word_of_nothing_makes_nobody_look_again_and_again(station: Station) -> None:
    reads = Counted(station.storage)
    handlers = RunEventHandlers(Work(reads, station.clock, new_id), station.feed)
    events = await handlers.follow(station.actor, station.run.id)
    assert events is not None
    async with aclosing(events):
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        await turns()
        before = reads.opened
        station.feed.publish(station.run.id, 10**6, ended=True)
        await turns()
        assert reads.opened == before + 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_run_that_is_deleted_is_no_longer_told_of(station: Station) -> None:
    async def listen() -> list[int]:
        heard = asyncio.ensure_future(station.heard())
        await station.clock.sleep(1)
        async with station.storage.open(station.tenant.id) as uow:
            await uow.runs.remove(station.run.id)
        return await heard

    assert await station.clock.through(listen()) == [1]


async def test_a_process_that_ends_lets_its_readers_go(station: Station) -> None:
    readers = [asyncio.ensure_future(station.heard()) for _ in range(3)]
    await turns()
    station.feed.close()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*readers) == [[1]] * 3
        assert await station.heard() == [1]


async def test_storage_that_fails_ends_the_stream_and_not_the_run() -> None:
    storage = Hiccups(MemoryStorage())
    station = await Station(storage=storage).begin()
    failing = Failing(storage)
    handlers = RunEventHandlers(Work(failing, station.clock, new_id), station.feed)
    events = await handlers.follow(station.actor, station.run.id)
    assert events is not None
    failing.down = True

    async def heard() -> list[int]:
        return [event.sequence async for event in events if event is not None]

    assert await station.clock.through(heard()) == [1]
    await station.say_all()
    assert await station.heard(1) == list(range(2, EVENTS + 1))


async def test_a_run_stored_without_events_has_some_all_the_same(station: Station) -> None:
    ended = a_run(station.tenant.project, started_at=START).complete("y", at=START)
    steps = [a_step(ended, number).complete("x", at=START) for number in range(600)]
    async with station.storage.open(station.tenant.id) as uow:
        await uow.runs.add(ended)
        await uow.runs.put_steps(steps)
    station.run = ended
    whole = list(range(1, 1203))
    assert await station.heard() == whole
    for after in (1, 600, 1201):
        assert await station.heard(after) == whole[after:]
    assert await station.handlers.follow(station.actor, ended.id, after=1202) is None


async def test_what_was_told_to_its_end_is_not_followed(station: Station) -> None:
    await station.say_all()
    assert await station.handlers.follow(station.actor, station.run.id, after=EVENTS) is None


async def test_who_may_not_read_runs_follows_none(station: Station) -> None:
    nobody = Actor(
        user_id=new_id(),
        workspace_id=station.tenant.id,
        role=Role.VIEWER,
        permissions=frozenset(),
    )
    with pytest.raises(Forbidden):
        await station.handlers.follow(nobody, station.run.id)
    with pytest.raises(NotFound):
        await station.handlers.follow(station.actor, new_id())


class TestDeltas:
    """What models say while they say it: live, in its order, and never in the way."""

    @pytest.fixture
    async def speaking(self, station: Station) -> Station:
        """A run in which a model is speaking, in its step 0."""
        station.steps = [replace(step, kind=StepKind.MODEL) for step in station.steps]
        await station.say(station.steps[0])
        return station

    async def test_what_is_said_comes_between_the_events(self, speaking: Station) -> None:
        heard = await told_while(speaking, "Good ", "morning", "!")
        assert heard == [1, 2, "Good ", "morning", "!", 3, 4]

    async def test_it_has_the_number_of_the_event_before(self, speaking: Station) -> None:
        async with aclosing(await speaking.follow(1)) as events:
            assert isinstance(await anext(events), RunEvent)
            speaking.feed.tell(speaking.run.id, speaking.steps[0].id, "Hello")
            delta = await anext(events)
        assert delta == Delta(
            run_id=speaking.run.id,
            sequence=2,
            step_id=speaking.steps[0].id,
            text="Hello",
            at=speaking.clock.now(),
        )

    async def test_what_is_said_before_somebody_comes_to_read_is_not_lost(
        self, speaking: Station
    ) -> None:
        events = await speaking.follow()
        for text in ("a", "b"):
            speaking.feed.tell(speaking.run.id, speaking.steps[0].id, text)
        await self.end(speaking)
        assert [shown(each) async for each in events] == [1, 2, "ab", 3, 4]

    async def test_nothing_is_said_in_a_step_that_has_ended(self, speaking: Station) -> None:
        first, second = speaking.steps[:2]
        async with aclosing(await speaking.follow(2)) as events:
            speaking.feed.tell(speaking.run.id, first.id, "early")
            await speaking.say(first.complete("early", at=START))
            heard = [shown(await anext(events)) for _ in range(2)]
            speaking.feed.tell(speaking.run.id, first.id, "late")
            speaking.feed.tell(speaking.run.id, second.id, "unheard of yet")
            heard.append(shown(await anext(events)))
        assert heard == ["early", 3, "unheard of yet"]

    async def test_what_is_said_waits_for_its_steps_beginning(self, speaking: Station) -> None:
        early = speaking.steps[1]
        async with aclosing(await speaking.follow()) as events:
            speaking.feed.tell(speaking.run.id, early.id, "early")
            heard = [shown(await anext(events)) for _ in range(2)]
            await speaking.say(early)
            heard += [shown(await anext(events)) for _ in range(2)]
        assert heard == [1, 2, 3, "early"]

    async def test_and_not_for_long(self, speaking: Station) -> None:
        async def heard() -> str:
            async with aclosing(await speaking.follow()) as events:
                speaking.feed.tell(speaking.run.id, speaking.steps[1].id, "early")
                while not isinstance(event := await anext(events), Delta):
                    pass
            return event.text

        assert await speaking.clock.through(heard()) == "early"
        assert speaking.clock.now() - START <= timedelta(milliseconds=50)

    async def test_silence_after_it_is_told_after_fifteen_seconds(self, speaking: Station) -> None:
        async def beat() -> float:
            async with aclosing(await speaking.follow(2)) as events:
                await speaking.clock.sleep(3)
                speaking.feed.tell(speaking.run.id, speaking.steps[0].id, "Hm")
                while await anext(events) is not None:
                    pass
            return (speaking.clock.now() - START).total_seconds()

        assert await speaking.clock.through(beat()) == 3 + 15

    async def test_other_runs_are_not_heard(self, speaking: Station) -> None:
        async with aclosing(await speaking.follow(2)) as events:
            speaking.feed.tell(new_id(), speaking.steps[0].id, "secret")
            speaking.feed.tell(speaking.run.id, speaking.steps[0].id, "mine")
            assert shown(await anext(events)) == "mine"

    async def test_to_say_something_reads_nothing(self, speaking: Station) -> None:
        reads = Counted(speaking.storage)
        handlers = RunEventHandlers(Work(reads, speaking.clock, new_id), speaking.feed)
        events = await handlers.follow(speaking.actor, speaking.run.id, after=2)
        assert events is not None
        before = reads.opened
        async with aclosing(events):
            for number in range(100):
                speaking.feed.tell(speaking.run.id, speaking.steps[0].id, str(number))
                assert shown(await anext(events)) == str(number)
        assert reads.opened == before

    async def test_a_reader_that_stands_still_loses_the_oldest_and_no_event(
        self, speaking: Station
    ) -> None:
        async with aclosing(await speaking.follow()) as still:
            await anext(still)
            for number in range(PIECES_MAX + 500):
                speaking.feed.tell(speaking.run.id, speaking.steps[0].id, f"{number} ")
            await self.end(speaking)
            heard = [shown(each) async for each in still]
        assert [each for each in heard if isinstance(each, int)] == [2, 3, 4]
        (said,) = [each for each in heard if isinstance(each, str)]
        assert said.split() == [str(number) for number in range(500, PIECES_MAX + 500)]

    async def test_a_reader_that_stands_still_keeps_little(self, speaking: Station) -> None:
        async with aclosing(await speaking.follow(1)) as still:
            for letter in "abcdef":
                text = letter * (CHARACTERS_MAX // 2)
                speaking.feed.tell(speaking.run.id, speaking.steps[0].id, text)
            speaking.feed.tell(speaking.run.id, speaking.steps[0].id, "!")
            await anext(still)
            assert shown(await anext(still)) == "f" * (CHARACTERS_MAX // 2) + "!"

    async def test_a_lost_word_is_made_up_for_while_a_model_speaks_on(
        self, speaking: Station
    ) -> None:
        async def heard() -> list[int | str | None]:
            telling = asyncio.ensure_future(self.babble(speaking))
            told = [shown(each) async for each in await speaking.follow(2)]
            await telling
            return told

        told = await speaking.clock.through(heard())
        assert told[-2:] == [3, 4]
        assert set(told[:-2]) == {"bla"}
        assert (speaking.clock.now() - START).total_seconds() < 30

    async def test_what_nobody_hears_is_carried_to_others(self, speaking: Station) -> None:
        carried = list[tuple[str, str, str]]()

        def carry(run_id: str, step_id: str, text: str) -> None:
            carried.append((run_id, step_id, text))

        with speaking.feed.carried(carry):
            speaking.feed.tell("run", "step", "one")
            speaking.feed.hear("run", "step", "from elsewhere")
        speaking.feed.tell("run", "step", "two")
        assert carried == [("run", "step", "one")]

    async def end(self, station: Station) -> None:
        """End the first step and the run, of which nothing else is told."""
        await station.say(station.steps[0].complete("x", at=START))
        await station.say(run=station.run.complete("y", at=START))

    async def babble(self, station: Station) -> None:
        """Let the model speak for twenty seconds, and after eight let the run end unheard."""
        for number in range(40):
            await station.clock.sleep(0.5)
            station.feed.tell(station.run.id, station.steps[0].id, "bla")
            if number == 16:
                station.chronicle = Chronicle(MemoryRunFeed(), station.clock)
                await self.end(station)


def shown(told: Told) -> int | str | None:
    """Return the number of an event, or the text of what is said."""
    if isinstance(told, Delta):
        return told.text
    return None if told is None else told.sequence


async def told_while(station: Station, *pieces: str) -> list[int | str | None]:
    """Return what a reader is told while a model says *pieces* one by one, to the run's end."""
    heard = list[int | str | None]()

    async def listen() -> None:
        async for each in await station.follow():
            heard.append(shown(each))

    listening = asyncio.ensure_future(listen())
    for piece in pieces:
        await turns()
        station.feed.tell(station.run.id, station.steps[0].id, piece)
    await turns()
    await station.say(station.steps[0].complete("x", at=START))
    await station.say(run=station.run.complete("y", at=START))
    async with asyncio.timeout(5):
        await listening
    return heard


class TestEndings:
    """Waiting for the end of a run, which another process may execute."""

    async def test_the_end_is_told_at_once(self, station: Station) -> None:
        endings = RunEndings(station.storage, station.feed)
        with endings.watch(station.run) as ending:
            waiting = asyncio.ensure_future(ending.wait(60))
            await turns()
            await station.say(station.steps[0])
            await turns()
            assert not waiting.done()
            await station.say(run=station.run.complete("y", at=START))
            async with asyncio.timeout(2):
                assert await waiting

    async def test_an_end_before_the_wait_is_not_missed(self, station: Station) -> None:
        with RunEndings(station.storage, station.feed).watch(station.run) as ending:
            await station.say(run=station.run.complete("y", at=START))
            assert await ending.wait(0.001)

    async def test_a_run_that_goes_on_is_waited_for_no_longer_than_asked(
        self, station: Station
    ) -> None:
        with RunEndings(station.storage, station.feed).watch(station.run) as ending:
            assert not await ending.wait(0.01)

    async def test_work_may_stop_later_than_the_run(self, station: Station) -> None:
        endings = RunEndings(station.storage, station.feed)
        with endings.stopping(station.run.id) as stop:
            await station.say(run=station.run.cancel(at=START))
            assert not await stop.wait(0.01)
            endings.ended(station.run.id)
            assert await stop.wait(0.01)


class Counted(Hiccups):
    """Storage that counts how often it is opened."""

    opened = 0

    def open(self, workspace_id: str, *, reading: bool = False) -> Any:
        self.opened += 1
        return super().open(workspace_id, reading=reading)


class Failing(Hiccups):
    """Storage that is down when somebody says so."""

    down = False

    def open(self, workspace_id: str, *, reading: bool = False) -> Any:
        if self.down:
            raise Unavailable("The database does not answer")
        return super().open(workspace_id, reading=reading)


async def turns() -> None:
    """Give everybody who can go on a few turns."""
    for _ in range(30):
        await asyncio.sleep(0)
