"""What is seen from where: the values of a run, of a loop's turn, and of the nodes before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orbiter.application.execution.variables import Variables


@dataclass(frozen=True, slots=True)
class Sight:
    """What the nodes up to a point have left: their outputs by id, and `vars`."""

    outputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Variables = Variables()

    def after(self, node_id: str, output: Any, variables: Variables | None) -> "Sight":
        """Return what is seen behind a node."""
        outputs = {**self.outputs, node_id: {"output": output}}
        return Sight(outputs, self.variables if variables is None else variables)

    @staticmethod
    def joined(sources: Iterable["Sight"]) -> "Sight":
        """Return what is seen where branches meet."""
        first, *others = sources
        if not others:
            return first
        outputs = dict(first.outputs)
        for other in others:
            outputs.update(other.outputs)
        variables = Variables.joined(each.variables for each in (first, *others))
        return Sight(outputs, variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a body starts from.

    *values* are the names templates see beside `nodes` and `vars`; *known* has an entry for each
    node that could be named here, so that one which left nothing lacks an `output`, not a name.
    """

    values: Mapping[str, Any]
    known: Mapping[str, Any]
    sight: Sight

    def context(self, sight: Sight) -> dict[str, Any]:
        """Return what templates and expressions read at a point where *sight* is seen."""
        return {
            **self.values,
            "nodes": {**self.known, **sight.outputs},
            "vars": sight.variables.values,
        }

    def inside(self, sight: Sight, known: Iterable[str], values: Mapping[str, Any]) -> "Scope":
        """Return the scope of a loop's body in one turn."""
        return Scope(
            values={**self.values, **values},
            known={**self.known, **dict.fromkeys(known, {})},
            sight=sight,
        )
