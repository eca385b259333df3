"""Runs as an engine keeps them in SQL: their table, and how one that nobody executes is taken."""

from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Executable,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    and_,
    bindparam,
    case,
    false,
    select,
    update,
)

from orbiter.adapters.sql.columns import Id, Instant
from orbiter.adapters.sql.executors import ALIVE, executors
from orbiter.adapters.sql.metadata import metadata

executions: Final = Table(
    "executions",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("executor_id", Id),
    # When somebody is to take it up; never, as long as it waits for a word from outside.
    Column("due_at", Instant),
    Column("woken", Boolean, nullable=False),
    Column("takeups", Integer, nullable=False),
    Column("seconds", Float(53), nullable=False),
    # That of the interpreter that executed it last; none before its first execution.
    Column("interpreter", Integer),
)
_cells: Final = executions.c
FREE: Final = _cells.executor_id.is_(None)
Index("ix_executions_due_at", _cells.due_at, sqlite_where=FREE, postgresql_where=FREE)
Index("ix_executions_executor_id", _cells.executor_id)

CLAIMED: Final = (_cells.run_id, _cells.workspace_id, _cells.takeups, _cells.seconds)
_MY_INTERPRETER: Final = bindparam("mine", type_=Integer)
# A living executor whose it rather is: one of the interpreter that began it, and as long as none
# did, one of a newer interpreter.
_ANOTHERS: Final = select(executors.c.id).where(
    ALIVE,
    case(
        (_cells.interpreter.is_(None), executors.c.interpreter > _MY_INTERPRETER),
        else_=and_(
            _cells.interpreter != _MY_INTERPRETER, executors.c.interpreter == _cells.interpreter
        ),
    ),
)

_DUE: Final = (
    select(_cells.run_id)
    .where(FREE, _cells.due_at <= bindparam("at"), ~_ANOTHERS.exists())
    .order_by(_cells.due_at, _cells.run_id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)
_ELSEWHERE: Final = _cells.workspace_id.not_in(bindparam("passing", expanding=True))


def _claim(due: Any) -> Executable:
    # As a common table, which is looked up once: joined, the rows locked could be others.
    return (
        update(executions)
        .where(_cells.run_id.in_(select(due.cte("due").c.run_id)))
        .values(
            executor_id=bindparam("who"),
            interpreter=_MY_INTERPRETER,
            takeups=_cells.takeups + 1,
            woken=false(),
        )
        .returning(*CLAIMED)
    )


CLAIM: Final = _claim(_DUE)
CLAIM_ELSEWHERE: Final = _claim(_DUE.where(_ELSEWHERE))
