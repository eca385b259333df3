"""What an agent is set to, and what is wrong with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from orbiter.domain.checks import counted, number_problems, text_problems
from orbiter.domain.errors import FieldProblem
from orbiter.domain.settings import Choice, Flag, ListOf, Number, Object, Shape, Text, TextOr

INSTRUCTIONS_MAX: Final = 100_000
MODEL_MAX: Final = 320
TURNS_MAX: Final = 100
MAX_TOKENS: Final = 10_000_000
CHARS_MAX: Final = 10_000_000
WINDOW_MAX: Final = 1000
REFERENCES_MAX: Final = 128
PATTERNS_MAX: Final = 50
PATTERN_MAX: Final = 500
TEMPERATURE_MAX: Final = 2
TOP_P_MAX: Final = 1
TOOL_CHOICES: Final = ("auto", "none", "required")
REFERENCES: Final = ("tools", "knowledge_bases", "sub_agents", "handoffs")


class MemoryType(StrEnum):
    """What of a conversation an agent is told again: nothing, all, the last messages, or those
    and a summary of what was before.
    """

    NONE = "none"
    CONVERSATION = "conversation"
    WINDOW = "window"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """How an agent remembers; *window* counts messages, for the kinds that have one."""

    type: MemoryType = MemoryType.CONVERSATION
    window: int = 20


class Personal(StrEnum):
    """Kinds of personal data that can be redacted."""

    EMAIL = "email"
    PHONE = "phone"
    CREDIT_CARD = "credit_card"
    IBAN = "iban"
    IP_ADDRESS = "ip_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """What may go into an agent and come out of it.

    Longer input than *max_input_chars*, and text in which one of *blocked_patterns* (regular
    expressions) is found, fail the run, before the first model call or after the last. Personal
    data of the kinds *redact_pii* is replaced before a model sees it and before anybody sees an
    answer.
    """

    max_input_chars: int | None = None
    max_output_chars: int | None = None
    blocked_patterns: tuple[str, ...] = ()
    redact_pii: tuple[Personal, ...] = ()

    def problems(self) -> Iterator[FieldProblem]:
        """Yield what is wrong with them; whether a pattern is one has to be asked elsewhere."""
        for name in ("max_input_chars", "max_output_chars"):
            if (value := getattr(self, name)) is not None:
                yield from number_problems(
                    f"guardrails.{name}", value, minimum=1, maximum=CHARS_MAX
                )
        name = "guardrails.blocked_patterns"
        yield from list_problems(name, self.blocked_patterns, maximum=PATTERNS_MAX)
        for place, pattern in enumerate(self.blocked_patterns):
            yield from text_problems(f"{name}.{place}", pattern, minimum=1, maximum=PATTERN_MAX)
        yield from repetitions("guardrails.redact_pii", self.redact_pii)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What an agent is, apart from its names: what a version keeps.

    *model* is `<provider name or type>:<model>`, None for the project's default. *tool_choice* is
    `auto`, `none`, `required` or the name of a tool, as `{"name": …}`. The lists hold ids.
    """

    instructions: str | None = None
    model: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_turns: int = 10
    parallel_tool_calls: bool = True
    tool_choice: str | Mapping[str, str] = "auto"
    tools: tuple[str, ...] = ()
    knowledge_bases: tuple[str, ...] = ()
    sub_agents: tuple[str, ...] = ()
    handoffs: tuple[str, ...] = ()
    memory: Memory = Memory()
    output_schema: Mapping[str, Any] | None = None
    guardrails: Guardrails = Guardrails()

    def problems(self) -> Iterator[FieldProblem]:
        """Yield what is wrong with it, as far as it can be seen in it alone."""
        yield from text_problems("instructions", self.instructions, maximum=INSTRUCTIONS_MAX)
        yield from model_problems(self.model)
        yield from self._number_problems()
        if isinstance(self.tool_choice, str) and self.tool_choice not in TOOL_CHOICES:
            message = "Input should be 'auto', 'none', 'required' or the name of a tool"
            yield FieldProblem("tool_choice", message, "enum")
        for name in REFERENCES:
            yield from list_problems(name, getattr(self, name), maximum=REFERENCES_MAX)
        yield from self.guardrails.problems()

    def _number_problems(self) -> Iterator[FieldProblem]:
        for name, value, least, most in (
            ("temperature", self.temperature, 0, TEMPERATURE_MAX),
            ("top_p", self.top_p, 0, TOP_P_MAX),
            ("max_tokens", self.max_tokens, 1, MAX_TOKENS),
            ("max_turns", self.max_turns, 1, TURNS_MAX),
            ("memory.window", self.memory.window, 1, WINDOW_MAX),
        ):
            if value is not None:
                yield from number_problems(name, value, minimum=least, maximum=most)


def model_problems(model: str | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with the name of a model."""
    yield from text_problems("model", model, minimum=1, maximum=MODEL_MAX)
    vendor, _, name = (model or "").partition(":")
    if model and not (vendor.strip() and name.strip()):
        yield FieldProblem("model", "A model is named like openai:gpt-4o")


def list_problems(name: str, values: Sequence[str], *, maximum: int) -> Iterator[FieldProblem]:
    """Yield what is wrong with a list that names each thing once."""
    if len(values) > maximum:
        message = f"List should have at most {counted(maximum, 'item')} after validation"
        yield FieldProblem(name, f"{message}, not {len(values)}", "too_long")
    yield from repetitions(name, values)


def repetitions(name: str, values: Iterable[Any]) -> Iterator[FieldProblem]:
    """Yield which texts of a list stood in it before."""
    seen = set[str]()
    for place, value in enumerate(values):
        if isinstance(value, str):
            if value in seen:
                yield FieldProblem(f"{name}.{place}", "It stands in the list already")
            seen.add(value)


# What an agent may be set to where it is written out in a node.
INLINE_AGENT: Final = Shape(
    {
        "instructions": Text(),
        "model": Text(),
        "temperature": Number(0, TEMPERATURE_MAX),
        "top_p": Number(0, TOP_P_MAX),
        "max_tokens": Number(1, MAX_TOKENS, whole=True),
        "max_turns": Number(1, TURNS_MAX, whole=True),
        "parallel_tool_calls": Flag(),
        "tool_choice": TextOr(
            Shape({"name": Text()}, required=frozenset({"name"})), Choice(TOOL_CHOICES)
        ),
        "tools": ListOf(Text()),
        "sub_agents": ListOf(Text()),
        "handoffs": ListOf(Text()),
        "output_schema": Object(),
        "guardrails": Shape(
            {
                "max_input_chars": Number(1, CHARS_MAX, whole=True),
                "max_output_chars": Number(1, CHARS_MAX, whole=True),
                "blocked_patterns": ListOf(Text()),
                "redact_pii": ListOf(Choice(tuple(Personal))),
            }
        ),
    }
)


def settings_of(given: Mapping[str, Any]) -> AgentSettings:
    """Return the settings that INLINE_AGENT finds nothing wrong with."""
    values = {name: value for name, value in given.items() if value is not None}
    for name in ("tools", "knowledge_bases", "sub_agents", "handoffs"):
        if name in values:
            values[name] = tuple(values[name])
    if "memory" in values:
        memory = values["memory"]
        values["memory"] = Memory(**{**memory, "type": MemoryType(memory.get("type", "none"))})
    if "guardrails" in values:
        values["guardrails"] = guardrails_of(values["guardrails"])
    return AgentSettings(**values)


def guardrails_of(given: Mapping[str, Any]) -> Guardrails:
    """Return the guardrails that are written as an object."""
    values = {name: value for name, value in given.items() if value is not None}
    values["blocked_patterns"] = tuple(values.get("blocked_patterns", ()))
    values["redact_pii"] = tuple(map(Personal, values.get("redact_pii", ())))
    return Guardrails(**values)
