"""Users' code in Monty: an interpreter without a way out, in processes of its own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from orbiter.adapters.sandbox.source import ARGUMENTS, RESULT, Source, call, script
from orbiter.adapters.sandbox.subset import absent_modules
from orbiter.adapters.sandbox.workers import Workers
from orbiter.application.ports.sandbox import CodeResult, SandboxError
from orbiter.domain.code import UnreadableCode, parsed

Result = TypeVar("Result")

# So many calls at once; the others queue.
WORKERS: Final = 4
SECONDS: Final = 2.0
MEMORY_MIB: Final = 64


class MontySandbox:
    """Runs each call in a fresh interpreter, in one of a few worker processes.

    A call may compute for *seconds* and ends 0.4 s later at the latest, and may hold *memory_mib*.
    It prints 64 Ki characters, the rest is cut; beyond 1 Mi it is stopped. Its result takes at most
    1 MiB of JSON, 60 levels deep, with whole numbers of 64 bits; tuples become lists. Sleeping
    takes no time. Nothing is started before it is first used.
    """

    def __init__(self, *, seconds: float = SECONDS, memory_mib: int = MEMORY_MIB) -> None:
        self._workers = Workers(WORKERS, seconds, memory_mib)
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="sandbox")

    async def run(self, code: str, inputs: Mapping[str, Any] | None = None) -> CodeResult:
        """Run a script that sees *inputs* as names; its value is that of its last expression."""
        return await self._execute(partial(script, code), {RESULT: None, **(inputs or {})})

    async def call(self, code: str, function: str, arguments: Mapping[str, Any]) -> CodeResult:
        """Run the module *code*, then call its *function* with *arguments* by keyword."""
        return await self._execute(partial(call, code, function), {ARGUMENTS: dict(arguments)})

    async def complaints(self, code: str) -> Sequence[str]:
        """Return why *code* can't run, as far as is seen without running any of it."""
        try:
            tree = parsed(code)
        except UnreadableCode as unreadable:
            return [unreadable.message]
        absent = [
            f"the sandbox has no module '{name}' (line {line})"
            for name, line in absent_modules(tree)
        ]
        return [*absent, *await self._in_thread(_refused, self._workers, code)]

    def close(self) -> None:
        """Stop what runs, drop what is queued, and leave no process behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._workers.close()

    async def _execute(self, prepare: Callable[[], Source], names: Mapping[str, Any]) -> CodeResult:
        try:
            source = prepare()
        except UnreadableCode as unreadable:
            raise SandboxError("CODE_SYNTAX_ERROR", unreadable.message) from None
        return await self._in_thread(_executed, self._workers, source, names)

    async def _in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        if self._workers.closed:
            raise SandboxError("SANDBOX_UNAVAILABLE", "The sandbox was closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


# Monty takes long to import, so that is done when there is code to run, and in a thread.


def _executed(workers: Workers, source: Source, names: Mapping[str, Any]) -> CodeResult:
    from orbiter.adapters.sandbox.execution import executed

    return executed(workers, source, names)


def _refused(workers: Workers, code: str) -> Sequence[str]:
    from orbiter.adapters.sandbox.execution import refused_by_parser

    return refused_by_parser(workers, code)
