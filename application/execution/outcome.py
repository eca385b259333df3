"""How a node ends: with an output and the handle it leaves by, or with a failure."""

from dataclasses import dataclass
from typing import Any, Final

from orbiter.application.execution.variables import Variables
from orbiter.domain.workflows.node_kinds import OUTPUT

MESSAGE_MAX: Final = 1000
INTERNAL_ERROR: Final = ("INTERNAL_ERROR", "Something went wrong inside of Orbiter")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A node's end; *variables* is what `vars` are after it, if it changed them."""

    output: Any
    handle: str = OUTPUT
    variables: Variables | None = None


class NodeFailed(Exception):
    """A node failed for good; *node_id* is where it began, if that was inside of a loop."""

    def __init__(self, code: str, message: str, node_id: str | None = None) -> None:
        super().__init__(f"{code}: {message[:MESSAGE_MAX]}")
        self.code = code
        self.message = message[:MESSAGE_MAX]
        self.node_id = node_id

    def at(self, node_id: str) -> "NodeFailed":
        """Return the failure with the place it began at, unless it has one."""
        return NodeFailed(self.code, self.message, self.node_id or node_id)


class LimitCrossed(Exception):
    """The run crossed a limit, which no setting of a node can forgive."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
