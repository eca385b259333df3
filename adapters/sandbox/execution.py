"""One call in a worker process, and what its end means."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from pydantic_monty import (
    Frame,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySession,
    MontySyntaxError,
)

from orbiter.adapters.sandbox.printed import FLOOD, Printed
from orbiter.adapters.sandbox.results import bad_result, value_of
from orbiter.adapters.sandbox.source import Source, only_read
from orbiter.adapters.sandbox.subset import SUBSET, is_lacking, plain
from orbiter.adapters.sandbox.workers import Workers
from orbiter.application.ports.sandbox import CodeResult, SandboxError

MESSAGE_MAX: Final = 400
SOON: Final = 0.1
_FED: Final = "<python-input"


def executed(workers: Workers, source: Source, names: Mapping[str, Any]) -> CodeResult:
    """Run *source* where it sees *names*; raise SandboxError.

    Code reaches nothing outside, so a call that met a dead worker is made once more.
    """
    began = monotonic()
    try:
        return _executed_once(workers, source, names)
    except SandboxError as error:
        met_a_dead_one = error.code == "SANDBOX_UNAVAILABLE" and monotonic() - began < SOON
        if not met_a_dead_one or workers.closed:
            raise
    return _executed_once(workers, source, names)


def _executed_once(workers: Workers, source: Source, names: Mapping[str, Any]) -> CodeResult:
    with _session(workers) as (session, printed):
        try:
            told = session.feed_run(source.text, inputs=dict(names), print_callback=printed)
            return CodeResult(value=value_of(told), stdout=printed.text)
        except SandboxError as error:
            refused = error
        except MontyError as error:
            refused = _refusal(error, source, printed, workers)
    raise SandboxError(refused.code, refused.message, printed.text)


def refused_by_parser(workers: Workers, code: str) -> Sequence[str]:
    """Return what the sandbox's own parser says against *code*, none of which runs."""
    source = only_read(code)
    with _session(workers) as (session, printed):
        try:
            session.feed_run(source.text, print_callback=printed)
        except (MontyRuntimeError, MontySyntaxError) as error:
            line = error.traceback()[-1].line if error.traceback() else source.lines
            if line > source.lines:
                return [_at(plain(error.display("msg")), line - source.lines)]
        except MontyCrashedError:
            return ["The code can't be read"]
    return []


@contextmanager
def _session(workers: Workers) -> Iterator[tuple[MontySession, Printed]]:
    try:
        with workers.session() as given:
            yield given
    except (OSError, RuntimeError, MontyError) as failure:
        message = f"The sandbox can't be used at the moment: {failure}"
        raise SandboxError("SANDBOX_UNAVAILABLE", message[:MESSAGE_MAX]) from failure


def _refusal(error: MontyError, source: Source, printed: Printed, workers: Workers) -> SandboxError:
    if printed.is_a_flood:
        message = f"The code printed more than {FLOOD // 1024} KiB"
        return SandboxError("CODE_OUTPUT_LIMIT", message)
    if isinstance(error, MontySyntaxError):
        return SandboxError("CODE_SYNTAX_ERROR", _described(error, source))
    if isinstance(error, MontyRuntimeError):
        return _failure(error, source, workers)
    if isinstance(error, MontyCrashedError) and error.timed_out:
        return _timeout(workers)
    message = "The sandbox's process ended while the code ran"
    return SandboxError("SANDBOX_UNAVAILABLE", message)


def _failure(error: MontyRuntimeError, source: Source, workers: Workers) -> SandboxError:
    kind, message = _kind(error), error.display("msg")
    if kind == "TimeoutError" and "time limit exceeded" in message:
        return _timeout(workers)
    if kind == "MemoryError" and "memory limit" in message:
        told = f"The code took more than {workers.memory_mib} MiB of memory"
        return SandboxError("CODE_MEMORY_LIMIT", told)
    if _is_of_result(error.traceback(), source):
        return bad_result(message[:MESSAGE_MAX])
    if is_lacking(kind, message):
        return SandboxError("CODE_UNSUPPORTED", f"{_described(error, source)}. {SUBSET}")
    return SandboxError("CODE_FAILED", _described(error, source))


def _timeout(workers: Workers) -> SandboxError:
    return SandboxError("CODE_TIMEOUT", f"The code took more than {workers.seconds:g} s")


def _described(error: MontyRuntimeError | MontySyntaxError, source: Source) -> str:
    """Return the exception, its message and the line of the user's code where it arose."""
    text = plain(error.display("type-msg"))[:MESSAGE_MAX]
    lines = [frame.line for frame in error.traceback() if _is_users(frame, source)]
    return _at(text, lines[-1] if lines else None)


def _kind(error: MontyRuntimeError) -> str:
    return error.display("type-msg").partition(":")[0]


def _is_users(frame: Frame, source: Source) -> bool:
    return frame.filename.startswith(_FED) and frame.line <= source.lines


def _is_of_result(frames: Sequence[Frame], source: Source) -> bool:
    return bool(frames) and frames[-1].line == source.last


def _at(text: str, line: int | None) -> str:
    return text if line is None else f"{text} (line {line})"
