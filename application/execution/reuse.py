"""What a new run takes over of an earlier one: finished steps, and what was recorded for them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from orbiter.application.execution.journal import CANCELLED
from orbiter.application.execution.outcome import INTERNAL_ERROR
from orbiter.application.execution.place import Place
from orbiter.application.execution.reused_calls import ReusedCalls
from orbiter.application.execution.reused_keys import Attempts, Key
from orbiter.application.ports.executions import Recorded
from orbiter.domain.runs import Step, StepKind
from orbiter.domain.workflows import Canvas, OnError

# What a step is failed with that its run cut off, whatever the node's settings are.
INTERRUPTIONS: Final = frozenset(
    {
        CANCELLED.code,
        INTERNAL_ERROR[0],
        "AGENT_DELETED",
        "CRASHED_REPEATEDLY",
        "SIZE_LIMIT",
        "STEP_LIMIT",
        "WORKFLOW_DELETED",
    }
)

Wanted = Callable[[str], bool]


class Legacy:
    """The *steps* and *records* of a run that a new one, of id *heir_id*, begins with.

    Steps are carried over whose nodes are *wanted* and which ended for good: well, skipped, or with
    a failure that the graph went on from. So are the calls of models and tools that ended in a node
    which did not. What was recorded for them comes along.
    """

    def __init__(
        self,
        steps: Iterable[Step],
        recorded: Mapping[str, Recorded],
        canvas: Canvas,
        heir_id: str,
        wanted: Wanted = lambda _: True,
    ) -> None:
        self._all = {step.id: step for step in steps}
        self._nodes = {node.id: node for node in canvas.nodes}
        self._heir_id = heir_id
        self._wanted = wanted
        self._finished: dict[str, bool] = {}
        self.steps: list[Step] = []
        self.records: list[Recorded] = []
        records = self._by_step(recorded.values())
        for step in self._all.values():
            if step.kind is StepKind.NODE:
                self._carry_over(step, records[step.id])

    def _by_step(self, recorded: Iterable[Recorded]) -> Mapping[str, list[tuple[Key, Recorded]]]:
        """Return what was recorded for each node's step; answers are carried over at once."""
        found = defaultdict[str, list[tuple[Key, Recorded]]](list)
        for each in recorded:
            step_id, _, rest = each.key.partition(":")
            if step_id in self._all:
                self._carry_over_answer(self._all[step_id], rest, each)
            else:
                key = Key.read(each.key)
                found[key.step_id].append((key, each))
        return found

    def _carry_over_answer(self, step: Step, rest: str, answer: Recorded) -> None:
        if self._is_finished(step):
            self.records.append(replace(answer, key=f"{self._new_id(step)}:{rest}"))

    def _carry_over(self, step: Step, records: Sequence[tuple[Key, Recorded]]) -> None:
        if self._is_finished(step):
            self.steps.append(self._inherited(step))
            self._carry_over_whole(step, records)
        elif self._wanted(step.node_id or "") and records:
            self._carry_over_calls(step, records)

    def _carry_over_whole(self, step: Step, records: Sequence[tuple[Key, Recorded]]) -> None:
        """Carry over all that was recorded, of loops which have not ended in their last attempt.

        These begin with their first attempt again.
        """
        begun = len([loop for loop in self._loops(step) if not self._is_finished(loop)])
        last = max((key.attempts.loops[:begun] for key, _ in records), default=())
        scopes: dict[Key, Key] = {}
        for key, each in records:
            if key.attempts.loops[:begun] == last:
                loops = (1,) * begun + key.attempts.loops[begun:]
                heirs = replace(
                    key, run_id=self._heir_id, attempts=Attempts(loops, key.attempts.own)
                )
                scopes[key.scope] = heirs.scope
                self.records.append(replace(each, key=str(heirs)))
        for scope, heirs in scopes.items():
            calls = ReusedCalls(steps=self._all, scope=scope, heirs=heirs)
            self.steps += calls.whole(self._new_id(step))

    def _carry_over_calls(self, step: Step, records: Sequence[tuple[Key, Recorded]]) -> None:
        """Carry over the calls of the last attempt that have ended, if there is one that has not.

        Where all have, the node failed over what they gave, and is to ask for something else.
        """
        last = max(key.attempts for key, _ in records)
        scope = next(key.scope for key, _ in records if key.attempts == last)
        first = Attempts((1,) * len(last.loops), 1)
        heirs = replace(scope, run_id=self._heir_id, attempts=first)
        calls = ReusedCalls(steps=self._all, scope=scope, heirs=heirs, is_cut_off=_is_cut_off)
        steps = calls.ended(self._new_id(step))
        if steps and (calls.some_have_not or _is_cut_off(step)):
            self.steps += steps
            self.records += [
                replace(each, key=str(replace(key, run_id=self._heir_id, attempts=first)))
                for key, each in records
                if key.attempts == last and calls.holds(key)
            ]

    def _is_finished(self, step: Step) -> bool:
        if step.id not in self._finished:
            self._finished[step.id] = self._finds_finished(step)
        return self._finished[step.id]

    def _finds_finished(self, step: Step) -> bool:
        node = self._nodes.get(step.node_id or "")
        if node is None or not step.ended or not self._wanted(node.id):
            return False
        loop = self._all.get(step.parent_step_id or "")
        if loop is not None and self._is_finished(loop):
            return True
        return step.error is None or (node.on_error is not OnError.FAIL and not _is_cut_off(step))

    def _inherited(self, step: Step) -> Step:
        loop = self._all.get(step.parent_step_id or "")
        return replace(
            step,
            id=self._new_id(step),
            run_id=self._heir_id,
            parent_step_id=None if loop is None else self._new_id(loop),
            reused=True,
        )

    def _loops(self, step: Step) -> Iterator[Step]:
        """Yield the steps of the loops that a step lies in."""
        while (loop := self._all.get(step.parent_step_id or "")) is not None:
            yield loop
            step = loop

    def _new_id(self, step: Step) -> str:
        return self._place(step).step_of(step.node_id or "")

    def _place(self, step: Step) -> Place:
        """Return where the heir has the step."""
        loop = self._all.get(step.parent_step_id or "")
        if loop is None:
            return Place(run_id=self._heir_id)
        return self._place(loop).inside(loop.node_id or "", step.iteration or 0, 1)


def _is_cut_off(step: Step) -> bool:
    """Say whether a step did not come to an end of its own."""
    return not step.ended or (step.error is not None and step.error.code in INTERRUPTIONS)
