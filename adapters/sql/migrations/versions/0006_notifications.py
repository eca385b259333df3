"""Notices for members."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0006"
down_revision: Final = "0005"
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
_TABLE: Final = "notifications"
_INDEXES: Final = (
    ("workspace_id", "user_id", "id"),
    ("workspace_id", "user_id", "read", "id"),
    ("run_id",),
    ("created_at",),
)


def upgrade() -> None:
    """Bring the schema up."""
    op.create_table(
        _TABLE,
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("run_id", _ID),
        sa.Column("workflow_id", _ID),
        sa.Column("step_id", _ID),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{_TABLE}"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["users.workspace_id", "users.id"],
            name=f"fk_{_TABLE}_users",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=f"fk_{_TABLE}_runs", ondelete="CASCADE"
        ),
    )
    for columns in _INDEXES:
        op.create_index(f"ix_{_TABLE}_{'_'.join(columns)}", _TABLE, list(columns))


def downgrade() -> None:
    """Take the schema back."""
    op.drop_table(_TABLE)
