"""Users' code, run where it can reach nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from orbiter.domain.errors import OrbiterError


class SandboxError(OrbiterError):
    """The code gave no result; *code* says why, in capitals.

    `CODE_SYNTAX_ERROR`, `CODE_UNSUPPORTED` (a part of Python the sandbox lacks), `CODE_FAILED` (it
    raised: the message has the exception and the line), `CODE_TIMEOUT`, `CODE_MEMORY_LIMIT`,
    `CODE_OUTPUT_LIMIT`, `CODE_BAD_RESULT` (no JSON), `SANDBOX_UNAVAILABLE`. *stdout* is what it had
    printed until then.
    """

    def __init__(self, code: str, message: str, stdout: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.stdout = stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeResult:
    """What the code gave: a JSON value, and what it printed (cut at the sandbox's bound)."""

    value: Any
    stdout: str = ""


class Sandbox(Protocol):
    """Run Python that was written by users, out of reach of files, environment, network, processes.

    Time, memory and output are bounded by the adapter; the caller's process stays responsive.
    """

    async def run(self, code: str, inputs: Mapping[str, Any] | None = None) -> CodeResult:
        """Run a script that sees *inputs* as names; its value is that of its last expression."""
        ...

    async def call(self, code: str, function: str, arguments: Mapping[str, Any]) -> CodeResult:
        """Run the module *code*, then call its *function* with *arguments* by keyword."""
        ...

    async def complaints(self, code: str) -> Sequence[str]:
        """Return why *code* can't run, as far as is seen without running any of it."""
        ...
