"""Steps of runs in SQL: their table; `runs` says who may see them."""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, false

from orbiter.adapters.sql.columns import Id, Instant, Json, Money, OneOf
from orbiter.adapters.sql.large_values import told
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.repository import Mapped
from orbiter.domain.runs import Step, StepError, StepKind, StepStatus, Usage

steps: Final = Table(
    "steps",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Id, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("parent_step_id", Id),
    # As JSON, because what the graph's author names may hold a NUL, which no text column does.
    Column("node_id", Json, nullable=False),
    Column("name", Json, nullable=False),
    Column("kind", OneOf(StepKind), nullable=False),
    Column("iteration", Integer),
    Column("attempt", Integer, nullable=False),
    Column("status", OneOf(StepStatus), nullable=False),
    Column("input", Json, nullable=False),
    Column("output", Json, nullable=False),
    Column("input_blob", Text),
    Column("output_blob", Text),
    Column("error", Json, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cost_usd", Money),
    Column("model", Text),
    Column("logs", Json, nullable=False),
    Column("reused", Boolean, nullable=False, server_default=false()),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Index(None, "run_id", "sequence"),
)


STEP_VALUES: Final = ("input", "output")


def _step(
    *,
    input: Any,
    output: Any,
    input_blob: str | None,
    output_blob: str | None,
    error: dict[str, Any] | None,
    logs: list[str],
    input_tokens: int,
    output_tokens: int,
    **rest: Any,
) -> Step:
    return Step(
        input=told(input, input_blob),
        output=told(output, output_blob),
        error=StepError(**error) if error else None,
        logs=tuple(logs),
        usage=Usage(input_tokens=input_tokens, output_tokens=output_tokens),
        **rest,
    )


STEPS: Final = Mapped(
    steps,
    _step,
    derived=lambda step: {
        "input_blob": None,
        "output_blob": None,
        "input_tokens": step.usage.input_tokens,
        "output_tokens": step.usage.output_tokens,
    },
)
