"""Logs by structlog, one line for each event, whoever writes it."""

import json as json_format
import logging
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK: Final = "***"
_SECRET: Final = re.compile(
    r".*(password|token|key|secret|authorization|cookie|credential)s?", re.IGNORECASE
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# They tell URLs, headers and statements at their lower levels, or what Orbiter tells itself.
_QUIET: Final = (
    "aiosqlite",
    "alembic.runtime.plugins",
    "anthropic",
    "asyncio",
    "httpcore2",
    "httpx2",
    "openai",
    "sqlalchemy",
    "uvicorn",
)


def configure_logging(*, json: bool, level: str, file: TextIO | None = None) -> None:
    """Write events from *level* on to *file*, stderr unless given: as JSON, or for people.

    What the standard library's `logging` is told goes the same way. Values under names like
    `password`, `token` or `cookie` are masked, however deep; each line is flushed, so that a
    process that is killed has told all it did.
    """
    target = sys.stderr if file is None else file
    threshold = logging.getLevelNamesMapping()[level.upper()]
    steps = _steps(json=json)
    renderer = _renderer(json=json, colors=target.isatty())
    lines = _Lines(target)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *steps, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *names: _LineLogger(lines, *names),
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(lines, steps, renderer, threshold)


def _steps(*, json: bool) -> list[Processor]:
    steps: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    return [*steps, structlog.processors.format_exc_info] if json else [*steps, _on_one_line]


def _renderer(*, json: bool, colors: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer(serializer=_json)
    # Tracebacks are plain: the default one shows the values of local variables.
    return structlog.dev.ConsoleRenderer(
        colors=colors, repr_native_str=True, exception_formatter=structlog.dev.plain_traceback
    )


def _json(event: Any, **_: Any) -> str:
    return json_format.dumps(event, default=str, skipkeys=True)


def mask_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Mask the values of names that promise a secret; names of ids end in `_id` and stay."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: object, value: Any) -> Any:
    if isinstance(name, str) and _is_secret(name):
        return MASK
    if isinstance(value, Mapping):
        return {inner: _masked(inner, item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(None, item) for item in value]
    return value


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET.fullmatch(name) is not None


def _on_one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["event"] = _CONTROL.sub(lambda found: repr(found[0])[1:-1], str(event["event"]))
    return event


class _Lines:
    """A text file taken line by line; when nobody reads it any more, work goes on unlogged."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        try:
            with self._lock:
                self._file.write(f"{line}\n")
                self._file.flush()
        except (OSError, ValueError):
            return


class _LineLogger:
    """What structlog hands a finished line to."""

    def __init__(self, lines: _Lines, name: str = "orbiter") -> None:
        self.name = name
        self.msg = lines.write

    def __getattr__(self, level: str) -> Any:
        return self.msg


class _StandardHandler(logging.Handler):
    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.write(self.format(record))


def _route_standard_logging(
    lines: _Lines, steps: Sequence[Processor], renderer: Processor, threshold: int
) -> None:
    handler = _StandardHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, *steps],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
