"""What an agent is set to, as it is sent and shown."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final, Literal, Self

from msgspec import Meta, structs

from orbiter.adapters.http.wire import Id, Input, Output, Rule
from orbiter.domain.agents.settings import (
    CHARS_MAX,
    INSTRUCTIONS_MAX,
    MAX_TOKENS,
    MODEL_MAX,
    PATTERN_MAX,
    PATTERNS_MAX,
    REFERENCES,
    REFERENCES_MAX,
    TEMPERATURE_MAX,
    TOP_P_MAX,
    TURNS_MAX,
    WINDOW_MAX,
    AgentSettings,
    Guardrails,
    Memory,
    MemoryType,
    Personal,
    model_problems,
    repetitions,
)

Instructions = Annotated[
    str,
    Meta(
        max_length=INSTRUCTIONS_MAX,
        description="What the model is told before everything else.",
        examples=["You answer questions about orders, in one sentence."],
    ),
]
Model = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MODEL_MAX,
        description="`<provider name or type>:<model>`; null for the project's default model.",
        examples=["openai:gpt-4o"],
    ),
]
Temperature = Annotated[float, Meta(ge=0, le=TEMPERATURE_MAX, examples=[0.2])]
TopP = Annotated[float, Meta(ge=0, le=TOP_P_MAX, examples=[1])]
MaxTokens = Annotated[
    int, Meta(ge=1, le=MAX_TOKENS, description="Of each answer of the model.", examples=[1024])
]
MaxTurns = Annotated[
    int,
    Meta(ge=1, le=TURNS_MAX, description="How often the model is called at most.", examples=[10]),
]
Parallel = Annotated[
    bool, Meta(description="Whether the calls of one answer are made at the same time.")
]
References = Annotated[
    list[Id], Meta(max_length=REFERENCES_MAX, description="Ids, each once.", examples=[[]])
]
OutputSchema = Annotated[
    dict[str, Any],
    Meta(
        description="A JSON Schema (2020-12) that the answer follows; null for text.",
        examples=[{"type": "object", "properties": {"answer": {"type": "string"}}}],
    ),
]
Window = Annotated[int, Meta(ge=1, le=WINDOW_MAX, examples=[20])]
Chars = Annotated[int, Meta(ge=1, le=CHARS_MAX, examples=[10_000])]
Pattern = Annotated[str, Meta(min_length=1, max_length=PATTERN_MAX)]
Patterns = Annotated[
    list[Pattern],
    Meta(
        max_length=PATTERNS_MAX,
        description="Regular expressions found neither in the input nor in the answer.",
        examples=[["(?i)internal use only"]],
    ),
]
Redacted = Annotated[
    list[Personal],
    Meta(
        max_length=len(Personal),
        description="Personal data replaced before a model sees it and in the answer.",
        examples=[["email"]],
    ),
]


class NamedTool(Input):
    """The one tool that is called first, by its name."""

    name: Annotated[str, Meta(min_length=1, max_length=64, examples=["calculator"])]


ToolChoice = Literal["auto", "none", "required"] | NamedTool


class MemoryIn(Input):
    """What of a conversation the model is told again; *window* counts messages."""

    type: MemoryType = MemoryType.CONVERSATION
    window: Window = 20


class GuardrailsIn(Input):
    """What may go in and come out."""

    rules = {
        "blocked_patterns": partial(repetitions, "blocked_patterns"),
        "redact_pii": partial(repetitions, "redact_pii"),
    }

    max_input_chars: Chars | None = None
    max_output_chars: Chars | None = None
    blocked_patterns: Patterns = []
    redact_pii: Redacted = []


class MemoryOut(Output):
    """What of a conversation the model is told again; *window* counts messages."""

    type: MemoryType
    window: Window


class GuardrailsOut(Output):
    """What may go in and come out."""

    max_input_chars: Chars | None
    max_output_chars: Chars | None
    blocked_patterns: Patterns
    redact_pii: Redacted


RULES: Final[Mapping[str, Rule]] = {
    "model": model_problems,
    **{name: partial(repetitions, name) for name in REFERENCES},
}
REFERS: Final = {
    "project_id": "projects",
    "tools": "tools",
    "sub_agents": "agents",
    "handoffs": "agents",
}


def with_settings(fields: dict[str, Any]) -> dict[str, Any]:
    """Return *fields* with the settings among them as the domain knows them."""
    return {name: _known(name, value) for name, value in fields.items()}


def _known(name: str, value: Any) -> Any:
    match value:
        case NamedTool():
            return {"name": value.name}
        case MemoryIn():
            return Memory(type=value.type, window=value.window)
        case GuardrailsIn():
            return Guardrails(
                max_input_chars=value.max_input_chars,
                max_output_chars=value.max_output_chars,
                blocked_patterns=tuple(value.blocked_patterns),
                redact_pii=tuple(value.redact_pii),
            )
        case None if name in ("memory", "guardrails"):
            return getattr(_UNSET, name)
        case list():
            return tuple(value)
    return value


_UNSET: Final = AgentSettings()


class SettingsOut(Output):
    """What a version of an agent keeps beside its names."""

    instructions: Instructions | None
    model: Model | None
    temperature: Temperature | None
    top_p: TopP | None
    max_tokens: MaxTokens | None
    max_turns: MaxTurns
    parallel_tool_calls: Parallel
    tool_choice: ToolChoice
    tools: References
    knowledge_bases: References
    sub_agents: References
    handoffs: References
    memory: MemoryOut
    output_schema: OutputSchema | None
    guardrails: GuardrailsOut

    @classmethod
    def of(cls, entity: Any, **more: Any) -> Self:
        """Copy the fields of an agent or a version, and those of its settings."""
        if cls is SettingsOut:
            return super().of(entity, **more)
        flat = structs.asdict(SettingsOut.of(entity.settings))
        return super().of(entity, **flat, **more)
