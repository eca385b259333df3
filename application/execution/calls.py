"""Calls of models and tools made inside of a step: each a recorded effect, and a step itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from orbiter.application.execution.journal import interruption_of
from orbiter.application.execution.journey import Journey
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.place import Place
from orbiter.application.execution.records import Records
from orbiter.application.ports.execution import Parked
from orbiter.domain.runs import Spending, Step, StepError, StepKind, Usage


@dataclass(kw_only=True)
class Account:
    """What the calls of models in a step have cost; those are charged to what it lies in, too."""

    spending: Spending = Spending()
    around: "Account | None" = None

    def charge(self, usage: Usage, cost_usd: Decimal | None) -> None:
        """Add a call."""
        self.spending = self.spending.plus(usage, cost_usd)
        if self.around is not None:
            self.around.charge(usage, cost_usd)


def _whole(value: Any) -> Any:
    return value


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Where calls are made: in a node's *step*, or in that of another call.

    Their keys begin with that of *records*. Of what goes into calls and comes out the trace has
    what *shown* leaves. *depth* counts the agents that this lies in.
    """

    journey: Journey
    place: Place
    step: Step
    records: Records
    account: Account
    shown: Callable[[Any], Any] = _whole
    depth: int = 1
    logs: list[str] = field(default_factory=list)

    async def make(
        self,
        name: str,
        kind: StepKind,
        title: str,
        body: Callable[["Calls"], Awaitable[Any]],
        *,
        input: Any,
        model: str | None = None,
    ) -> Any:
        """Return what *body* gives, which is told where its own records and calls belong.

        *name* tells the call from the others made here, *title* is what its step is called. Raise
        NodeFailed as *body* does.
        """
        records = self.records.of(name)
        step_id = self.place.child_of(records.key)
        journal = self.journey.journal
        shown = self.shown(input)
        step = journal.begin_call(self.step, step_id, kind, title, input=shown, model=model)
        inner = replace(
            self, step=step, records=records, account=Account(around=self.account), logs=[]
        )
        try:
            output = await body(inner)
            journal.weigh(output)
        except NodeFailed as error:
            failed = error.told(self.journey.secrets)
            journal.fail(inner._spent(), StepError(code=failed.code, message=failed.message))
            raise failed from None
        except Parked:
            journal.wait(inner._spent())
            raise
        except BaseException as error:
            journal.fail(inner._spent(), interruption_of(error))
            raise
        journal.complete(inner._spent(), self.shown(output))
        return output

    def note(self, line: str) -> None:
        """Add a line to the logs of the step that calls are made in, once."""
        if line not in self.logs:
            self.logs.append(line)

    def deeper(self) -> "Calls":
        """Return the same place as one more agent's."""
        return replace(self, depth=self.depth + 1)

    def _spent(self) -> Step:
        if self.step.ended:
            return self.step
        spending = self.account.spending
        return replace(
            self.step, usage=spending.usage, cost_usd=spending.cost_usd, logs=tuple(self.logs)
        )
