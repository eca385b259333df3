"""Schedules and hooks over a storage, and an engine that leaves the runs they start alone."""

from dataclasses import dataclass, field
from typing import Any

from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.security.tokens import SignedTokens
from orbiter.adapters.system.cron import CronCalendar
from orbiter.adapters.system.ids import new_id
from orbiter.application.hooks import HookHandlers
from orbiter.application.paging import PageRequest
from orbiter.application.ports.execution import RunEngine
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.ports.storage import Storage
from orbiter.application.run_endings import RunEndings
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.schedules import ScheduleHandlers
from orbiter.application.starting import Starting
from orbiter.application.ticker import Ticker
from orbiter.application.work import Work
from orbiter.domain.identity import Actor, Role, permissions_of
from orbiter.domain.runs import Run
from support.clock import ManualClock
from support.graphs import Laboratory
from support.runs import IdleEngine
from support.tenants import Tenant


@dataclass
class Triggers:
    """What starts workflows, as one process has it."""

    storage: Storage
    clock: ManualClock = field(default_factory=ManualClock)
    engine: RunEngine = field(default_factory=IdleEngine)

    def __post_init__(self) -> None:
        work = Work(self.storage, self.clock, new_id)
        calendar = CronCalendar()
        events = RunEndings(self.storage, MemoryRunFeed())
        start = RunWorkflow(work, Starting(work, self.engine, events), Laboratory().executor)
        keys = ["k" * 32]
        self.schedules = ScheduleHandlers(work, calendar)
        self.hooks = HookHandlers(
            work, SignedTokens(keys), FernetCipher(keys), start, "https://orbiter.test/"
        )
        self.ticker = Ticker(self.storage, start, calendar, self.clock)

    async def runs(self, tenant: Tenant) -> list[Run]:
        """Return the workspace's runs, oldest first."""
        request = PageRequest(limit=100, newest_first=False)
        async with self.storage.open(tenant.id, reading=True) as uow:
            return list((await uow.runs.page(request, RunFilter())).items)


def developer_of(tenant: Tenant, **changes: Any) -> Actor:
    """Return somebody who may change and run things in a workspace."""
    given = {
        "user_id": tenant.user.id,
        "workspace_id": tenant.id,
        "role": Role.DEVELOPER,
        "permissions": permissions_of(Role.DEVELOPER),
    }
    return Actor(**{**given, **changes})
