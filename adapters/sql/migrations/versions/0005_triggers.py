"""What starts workflows: schedules and hooks."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0005"
down_revision: Final = "0004"
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
_KEY: Final = "ix_workflows_workspace_id_id"


def upgrade() -> None:
    """Bring the schema up."""
    # Unique, because triggers refer to both: so they lie in the workflow's workspace.
    op.drop_index(_KEY, "workflows")
    op.create_index(_KEY, "workflows", ["workspace_id", "id"], unique=True)
    _create(
        "schedules",
        sa.Column("name", sa.String(255)),
        sa.Column("cron", sa.String(100), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_run_at", sa.BigInteger()),
        sa.Column("last_run_at", sa.BigInteger()),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_schedules_next_run_at", "schedules", ["next_run_at"])
    _create(
        "hooks",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary()),
        sa.Column("last_called_at", sa.BigInteger()),
        sa.UniqueConstraint("token_hash", name="uq_hooks_token_hash"),
    )


def downgrade() -> None:
    """Take the schema back."""
    op.drop_table("hooks")
    op.drop_table("schedules")
    op.drop_index(_KEY, "workflows")
    op.create_index(_KEY, "workflows", ["workspace_id", "id"])


def _create(table: str, *parts: Any) -> None:
    op.create_table(
        table,
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("workflow_id", _ID, nullable=False),
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "workflow_id"],
            ["workflows.workspace_id", "workflows.id"],
            name=f"fk_{table}_workflows",
            ondelete="CASCADE",
        ),
    )
    op.create_index(f"ix_{table}_workspace_id_id", table, ["workspace_id", "id"])
    op.create_index(
        f"ix_{table}_workspace_id_workflow_id_id", table, ["workspace_id", "workflow_id", "id"]
    )
