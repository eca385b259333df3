"""`vars`, carried along the edges, so that branches at the same time can't race for a name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Variables:
    """Values by name; *ranks* has the place in the body's order of the node that set each one."""

    values: Mapping[str, Any] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)

    def set(self, name: str, value: Any, rank: int) -> "Variables":
        """Return the variables after the node of that rank has set one."""
        return Variables({**self.values, name: value}, {**self.ranks, name: rank})

    def inside(self) -> "Variables":
        """Return the variables as the body of a loop starts from them."""
        return Variables(self.values)

    def after(self, body: "Variables", rank: int) -> "Variables":
        """Return the variables after the loop of that rank, whose *body* may have set some."""
        if not body.ranks:
            return self
        changed = {name: body.values[name] for name in body.ranks}
        ranks = dict.fromkeys(changed, rank)
        return Variables({**self.values, **changed}, {**self.ranks, **ranks})

    @staticmethod
    def joined(sources: Iterable["Variables"]) -> "Variables":
        """Return the variables where branches meet: of each name, the one set last in order."""
        first, *others = sources
        values, ranks = dict(first.values), dict(first.ranks)
        for other in others:
            for name, rank in other.ranks.items():
                if rank > ranks.get(name, -1):
                    values[name], ranks[name] = other.values[name], rank
        return Variables(values, ranks)
