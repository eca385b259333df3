"""Calls of models and tools that a new run takes over of an earlier one."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from orbiter.application.execution.reused_keys import Key
from orbiter.domain.runs import Step, StepKind

# What calls are called where they are made: in a node, and beside the turns of an agent.
_ALONE: Final = ("model", "tool", "retrieval", "summary", "model.repair")
# A tool that a model called: it has read what came of it, be that a failure.
_READ: Final = re.compile(r"tool\.\d+\.\d+")
# Which versions of agents were met, recorded where calls are made.
_MET: Final = re.compile(r"version|agents(\.\d+)?")


@dataclass(kw_only=True)
class ReusedCalls:
    """The calls made in one attempt of a node, of key *scope*, which the heir has at *heirs*.

    *steps* are those of the whole trace, by id; *is_cut_off* says whether one did not come to an
    end of its own.
    """

    steps: Mapping[str, Step]
    scope: Key
    heirs: Key
    is_cut_off: Callable[[Step], bool] = lambda _: False
    some_have_not: bool = False
    _held: set[str] = field(default_factory=set)
    _begun: set[str] = field(default_factory=set)

    def whole(self, parent_id: str) -> Iterator[Step]:
        """Yield the steps of all calls as the heir has them, in the step *parent_id*."""
        return self._taken(self.scope, parent_id, whole=True)

    def ended(self, parent_id: str) -> list[Step]:
        """Return those of the calls that ended for good; *some_have_not* says if others did not."""
        return list(self._taken(self.scope, parent_id, whole=False))

    def holds(self, key: Key) -> bool:
        """Say whether what is recorded under *key* belongs to a call that ended for good."""
        *around, last = key.name.split(":")
        if _MET.fullmatch(last) and ":".join(around) in self._begun:
            return True
        parts = [":".join([*around, last][:length]) for length in range(1, len(around) + 2)]
        return not self._held.isdisjoint(parts)

    def _taken(self, within: Key, parent_id: str, *, whole: bool) -> Iterator[Step]:
        self._begun.add(within.name)
        for name in self._names(within):
            key = within.of(name)
            step = self.steps.get(key.call_id)
            if step is None:
                continue
            heirs_id = self._heirs(key).call_id
            if whole or self._ended_for_good(step, name):
                self._held.add(key.name)
                yield replace(
                    step,
                    id=heirs_id,
                    run_id=self.heirs.run_id,
                    parent_step_id=parent_id,
                    reused=True,
                )
                yield from self._taken(key, heirs_id, whole=True)
            else:
                self.some_have_not = True
                yield from self._taken(key, heirs_id, whole=False)

    def _names(self, within: Key) -> Iterator[str]:
        """Yield what the calls are called that may have been made there."""
        yield from _ALONE
        for turn in count(1):
            name = f"model.{turn}"
            answer = self.steps.get(within.of(name).call_id)
            if answer is None:
                return
            yield name
            for place, _ in enumerate(_asked_for(answer), 1):
                yield f"tool.{turn}.{place}"

    def _ended_for_good(self, step: Step, name: str) -> bool:
        if self.is_cut_off(step):
            return False
        return step.error is None or (step.kind is StepKind.TOOL and bool(_READ.fullmatch(name)))

    def _heirs(self, key: Key) -> Key:
        return replace(self.heirs, name=key.name)


def _asked_for(answer: Step) -> list[object]:
    """Return the calls of tools that a model's answer asks for."""
    calls = answer.output.get("tool_calls") if isinstance(answer.output, Mapping) else None
    return calls if isinstance(calls, list) else []
