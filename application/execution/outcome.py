"""How a node ends: with an output and the handle it leaves by, or with a failure."""

from dataclasses import dataclass
from typing import Any, Final

from orbiter.application.execution.variables import Variables
from orbiter.domain.secrets import SecretValues
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
    """A node failed for good; *node_id* is where it began, if that was inside of a loop.

    Its message may be of any length and hold secrets, until it is `told`.
    """

    def __init__(self, code: str, message: str, node_id: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.node_id = node_id

    def at(self, node_id: str) -> "NodeFailed":
        """Return the failure with the place it began at, unless it has one."""
        return NodeFailed(self.code, self.message, self.node_id or node_id)

    def told(self, secrets: SecretValues) -> "NodeFailed":
        """Return the failure as it may be known: without *secrets*, and then not too long."""
        return NodeFailed(self.code, message_without(secrets, self.message), self.node_id)


class LimitCrossed(Exception):
    """The run crossed a limit, which no setting of a node can forgive."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def message_without(secrets: SecretValues, message: str) -> str:
    """Return the message of an error as it may be known."""
    # Half a secret would not be recognised any more.
    return secrets.told(message)[:MESSAGE_MAX]
