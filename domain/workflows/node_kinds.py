"""What each kind of node may be set to, and by which handles it can be left.

A new kind starts here; its behaviour goes to `application/execution/nodes/<kind>.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orbiter.domain.agents import INLINE_AGENT, MAX_TOKENS
from orbiter.domain.http_requests import REQUEST_SETTINGS, missing_auth
from orbiter.domain.settings import (
    Anything,
    Choice,
    ListOf,
    Number,
    Object,
    Shape,
    Text,
    TextOr,
)

Config = Mapping[str, Any]
Complaints = Iterable[tuple[str, str]]

OUTPUT: Final = "output"
ERROR: Final = "error"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
MAX_ITERATIONS: Final = 10_000
MAX_DELAY_SECONDS: Final = 366 * 24 * 3600


def _leaves_by_output(_: Config) -> frozenset[str]:
    return frozenset({OUTPUT})


def _output(_: Config) -> str:
    return OUTPUT


def _nothing(_: Config) -> Complaints:
    return ()


@dataclass(frozen=True, slots=True)
class NodeKind:
    """One kind of node.

    *pure* kinds are computed from what is already known and may be computed again; the others
    have an effect, which is recorded. *needed* settings may be missing from a draft but not from
    a run; *complaints* yields further `(code, message)` pairs about an unfinished config.
    *handles* are the ways out, *otherwise* is the one when nothing else was decided. A kind that
    never *runs* only stands on the canvas.
    """

    settings: Shape
    needed: frozenset[str] = frozenset()
    pure: bool = True
    handles: Callable[[Config], frozenset[str]] = _leaves_by_output
    otherwise: Callable[[Config], str] = _output
    complaints: Callable[[Config], Complaints] = field(default=_nothing)
    runs: bool = True


def _condition_handles(config: Config) -> frozenset[str]:
    cases = {case["handle"] for case in config.get("cases") or ()}
    return frozenset(cases | {_else(config)})


def _else(config: Config) -> str:
    return config.get("else") or "else"


def _condition_complaints(config: Config) -> Complaints:
    if config.get("cases") == []:
        yield "MISSING_CONFIG", "A condition needs at least one case"
    handles = [case["handle"] for case in config.get("cases") or ()]
    for handle in sorted({handle for handle in handles if handles.count(handle) > 1}):
        yield "DUPLICATE_HANDLE", f"Several cases leave by the handle '{handle}'"


def _one_of(*names: str) -> Callable[[Config], Complaints]:
    def complaints(config: Config) -> Complaints:
        given = [name for name in names if config.get(name) is not None]
        if len(given) != 1:
            yield "MISSING_CONFIG", f"Exactly one of {' and '.join(names)} must be set"

    return complaints


def _auth_complaints(config: Config) -> Complaints:
    for part in missing_auth(config):
        yield "MISSING_CONFIG", f"The setting 'auth.{part}' is missing"


# Where a message goes; `in_app` is to every member of the workspace.
_CHANNEL: Final = Shape(
    {
        "type": Choice(("webhook", "email", "in_app")),
        "url": Text(),
        "secret": Text(),
        "to": ListOf(Text()),
    },
    required=frozenset({"type"}),
)
_CHANNEL_PARTS: Final = {"webhook": "url", "email": "to"}


def _channel_complaints(config: Config) -> Complaints:
    channel = config.get("channel") or {}
    part = _CHANNEL_PARTS.get(channel.get("type", ""))
    if part is not None and not channel.get(part):
        yield "MISSING_CONFIG", f"The setting 'channel.{part}' is missing"


def class_name(entry: Any) -> str:
    """Return the name of a class, which may stand alone or beside a description."""
    return str(entry["name"] if isinstance(entry, Mapping) else entry)


def _classes(config: Config) -> list[str]:
    return [class_name(each) for each in config.get("classes") or ()]


def _classifier_complaints(config: Config) -> Complaints:
    names = _classes(config)
    if config.get("classes") is not None and len(names) < 2:
        yield "MISSING_CONFIG", "A classifier needs at least two classes"
    if not all(names):
        yield "MISSING_CONFIG", "A class needs a name"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "DUPLICATE_HANDLE", f"Several classes are named '{name}'"


NODE_KINDS: Final[Mapping[str, NodeKind]] = {
    "start": NodeKind(Shape({"inputs": Object()})),
    "end": NodeKind(Shape({"output": Anything()}), handles=lambda _: frozenset()),
    "template": NodeKind(Shape({"template": Text()}), frozenset({"template"})),
    "transform": NodeKind(
        Shape({"expression": Text(expression=True), "mapping": Object()}),
        complaints=_one_of("expression", "mapping"),
    ),
    "condition": NodeKind(
        Shape(
            {
                "cases": ListOf(
                    Shape(
                        {"handle": Text(), "when": Text(expression=True)},
                        required=frozenset({"handle", "when"}),
                    )
                ),
                "else": Text(),
            }
        ),
        frozenset({"cases"}),
        handles=_condition_handles,
        otherwise=_else,
        complaints=_condition_complaints,
    ),
    "merge": NodeKind(Shape({"join": Choice(("all", "any"))})),
    "variable": NodeKind(Shape({"name": Text(), "value": Anything()}), frozenset({"name"})),
    "loop": NodeKind(
        Shape(
            {
                "items": Text(expression=True),
                "while": Text(expression=True),
                "max_iterations": Number(1, MAX_ITERATIONS, whole=True),
                "concurrency": Number(1, 100, whole=True),
                "on_item_error": Choice(("fail", "skip", "null")),
            }
        ),
        complaints=_one_of("items", "while"),
    ),
    "http": NodeKind(
        Shape(REQUEST_SETTINGS),
        frozenset({"url"}),
        pure=False,
        complaints=_auth_complaints,
    ),
    "code": NodeKind(
        Shape({"code": Text(verbatim=True), "inputs": Object()}),
        frozenset({"code"}),
        pure=False,
    ),
    "delay": NodeKind(
        Shape({"seconds": Number(0, MAX_DELAY_SECONDS, template=True), "until": Text()}),
        pure=False,
        complaints=_one_of("seconds", "until"),
    ),
    "approval": NodeKind(
        Shape(
            {
                "message": Text(),
                "fields": Object(),
                "timeout_seconds": Number(0.001, MAX_DELAY_SECONDS),
                "on_timeout": Choice(("approve", "reject", "fail")),
            }
        ),
        frozenset({"message"}),
        pure=False,
        handles=lambda _: frozenset({APPROVED, REJECTED}),
        otherwise=lambda _: REJECTED,
    ),
    "workflow": NodeKind(
        Shape(
            {
                "workflow_id": Text(),
                "inputs": Object(),
                "version": Number(1, 2**31 - 1, whole=True),
            }
        ),
        frozenset({"workflow_id"}),
        pure=False,
    ),
    "notify": NodeKind(
        Shape({"channel": _CHANNEL, "subject": Text(), "message": Text()}),
        frozenset({"channel", "message"}),
        pure=False,
        complaints=_channel_complaints,
    ),
    "llm": NodeKind(
        Shape(
            {
                "model": Text(),
                "system": Text(),
                "prompt": Text(),
                "temperature": Number(0, 2),
                "max_tokens": Number(1, MAX_TOKENS, whole=True),
                "output_schema": Object(),
            }
        ),
        frozenset({"prompt"}),
        pure=False,
    ),
    "agent": NodeKind(
        Shape(
            {
                "agent_id": Text(),
                "version": Number(1, 2**31 - 1, whole=True),
                "agent": INLINE_AGENT,
                "input": Anything(),
            }
        ),
        pure=False,
        complaints=_one_of("agent_id", "agent"),
    ),
    "tool": NodeKind(
        Shape({"tool_id": Text(), "arguments": Object()}), frozenset({"tool_id"}), pure=False
    ),
    "classifier": NodeKind(
        Shape(
            {
                "model": Text(),
                "classes": ListOf(
                    TextOr(
                        Shape({"name": Text(), "description": Text()}, required=frozenset({"name"}))
                    )
                ),
                "input": Anything(),
            }
        ),
        frozenset({"classes", "input"}),
        pure=False,
        handles=lambda config: frozenset(_classes(config)),
        otherwise=lambda config: _classes(config)[-1],
        complaints=_classifier_complaints,
    ),
    "note": NodeKind(Shape({"text": Text()}), handles=lambda _: frozenset(), runs=False),
}
