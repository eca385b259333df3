"""What a new run takes over of an earlier one: finished steps, and what was recorded for them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from orbiter.application.execution.journal import CANCELLED
from orbiter.application.execution.outcome import INTERNAL_ERROR
from orbiter.application.execution.place import Place
from orbiter.application.ports.executions import Recorded
from orbiter.domain.runs import Step, StepStatus
from orbiter.domain.workflows import Canvas, OnError

_KEY_PARTS: Final = 3
# What a step is failed with that its run cut off, whatever the node's settings are.
_INTERRUPTIONS: Final = frozenset(
    {
        CANCELLED.code,
        INTERNAL_ERROR[0],
        "CRASHED_REPEATEDLY",
        "SIZE_LIMIT",
        "STEP_LIMIT",
        "WORKFLOW_DELETED",
    }
)

Wanted = Callable[[str], bool]


class Legacy:
    """The steps and records of a run that a new one, of id *heir_id*, begins with.

    Steps are carried over whose nodes are *wanted* and which ended for good: well, skipped, or with
    a failure that the graph went on from. What was recorded for them comes along.
    """

    def __init__(
        self, steps: Iterable[Step], canvas: Canvas, heir_id: str, wanted: Wanted = lambda _: True
    ) -> None:
        self._all = {step.id: step for step in steps}
        self._nodes = {node.id: node for node in canvas.nodes}
        self._heir_id = heir_id
        self._wanted = wanted
        self._finished: dict[str, bool] = {}

    @property
    def steps(self) -> list[Step]:
        """Return the steps as the heir has them."""
        return [self._inherited(step) for step in self._all.values() if self._is_finished(step)]

    def records(self, recorded: Mapping[str, Recorded]) -> list[Recorded]:
        """Return the records as the heir has them."""
        found = ((each, *self._owner(each.key)) for each in recorded.values())
        return [
            replace(each, key=self._new_key(owner, rest))
            for each, owner, rest in found
            if owner is not None and self._is_finished(owner) and not _is_past(each, owner)
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
        if step.error is None:
            return True
        return node.on_error is not OnError.FAIL and step.error.code not in _INTERRUPTIONS

    def _inherited(self, step: Step) -> Step:
        loop = self._all.get(step.parent_step_id or "")
        return replace(
            step,
            id=self._new_id(step),
            run_id=self._heir_id,
            parent_step_id=None if loop is None else self._new_id(loop),
            reused=True,
        )

    def _new_id(self, step: Step) -> str:
        return self._place(step).step_of(step.node_id or "")

    def _place(self, step: Step) -> Place:
        """Return where the heir has the step."""
        loop = self._all.get(step.parent_step_id or "")
        if loop is None:
            return Place(run_id=self._heir_id)
        return self._place(loop).inside(loop.node_id or "", step.iteration or 0, 1)

    def _owner(self, key: str) -> tuple[Step | None, str]:
        """Return the step that a key belongs to, and what the key adds to the step's place."""
        if key.partition(":")[0] in self._all:
            step_id, _, rest = key.partition(":")
            return self._all[step_id], rest
        *parts, rest = key.split(":", _KEY_PARTS)
        return self._all.get(Place(run_id=parts[0]).child_of(":".join(parts))), key

    def _new_key(self, step: Step, rest: str) -> str:
        if not rest.startswith(step.run_id):
            return f"{self._new_id(step)}:{rest}"
        return self._heir_id + rest.removeprefix(step.run_id)


def _is_past(recorded: Recorded, step: Step) -> bool:
    """Say whether it is the failure of an attempt that another one has made up for."""
    return recorded.failed and step.status is StepStatus.COMPLETED
