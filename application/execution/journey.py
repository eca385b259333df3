"""What is the same for every walk of one run."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from orbiter.application.execution.journal import Journal
from orbiter.application.execution.plan import Plan
from orbiter.application.execution.world import World
from orbiter.application.ports.execution import ChildRuns, StepRunner
from orbiter.domain.agents import AgentVersion
from orbiter.domain.runs import Run
from orbiter.domain.secrets import NO_SECRETS, SecretValues


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One execution of a run; *bound* ends it when it has been running for too long.

    *agent* is the agent whose own run it is, None in a workflow's.
    """

    run: Run
    plan: Plan
    world: World
    runner: StepRunner
    journal: Journal
    bound: asyncio.Timeout
    secrets: SecretValues = NO_SECRETS
    children: ChildRuns | None = None
    agent: AgentVersion | None = None

    async def sleep(self, key: str, seconds: float) -> None:
        """Let *seconds* pass, which do not count as running, or raise Parked."""
        self._prolong(seconds)
        begun = monotonic()
        try:
            await self.runner.sleep(key, seconds)
        finally:
            # What was slept through in an earlier execution takes no time in this one.
            self._prolong(min(monotonic() - begun - seconds, 0))

    def _prolong(self, seconds: float) -> None:
        end = self.bound.when()
        if end is not None and not self.bound.expired():
            self.bound.reschedule(end + seconds)
