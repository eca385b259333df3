"""The engine's own: who executes which run, what its effects gave, which processes live."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema up; runs that have not ended are taken up by the next process."""
    _executions()
    op.create_table(
        "effects",
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("failures", sa.Text(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "digest", name="pk_effects"),
        _of_a_run("effects"),
    )
    op.create_table(
        "executors",
        sa.Column("id", _ID, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_executors"),
    )


def downgrade() -> None:
    """Take the schema back."""
    for table in ("executors", "effects", "executions"):
        op.drop_table(table)


def _executions() -> None:
    op.create_table(
        "executions",
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("executor_id", _ID, nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("woken", sa.Boolean(), nullable=False),
        sa.Column("takeups", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_executions"),
        _of_a_run("executions"),
    )
    free = sa.text("executor_id IS NULL")
    op.create_index(
        "ix_executions_due_at",
        "executions",
        ["due_at"],
        sqlite_where=free,
        postgresql_where=free,
    )
    op.create_index("ix_executions_executor_id", "executions", ["executor_id"])
    op.execute(
        "INSERT INTO executions "
        "(run_id, workspace_id, executor_id, due_at, woken, takeups, seconds) "
        "SELECT id, workspace_id, NULL, queued_at, false, 0, 0 FROM runs "
        "WHERE status NOT IN ('cancelled', 'completed', 'failed')"
    )


def _of_a_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["run_id"], ["runs.id"], name=f"fk_{table}_runs", ondelete="CASCADE"
    )
