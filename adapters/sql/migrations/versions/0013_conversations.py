"""Conversations and their messages."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0013"
down_revision: Final = "0012"
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema up."""
    _create(
        "conversations",
        "agent_id",
        "agents",
        sa.Column("deployment_id", _ID),
        sa.Column("title", sa.String(255)),
        sa.Column("message_count", sa.BigInteger(), nullable=False),
        sa.Column("busy_run_id", _ID),
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
    )
    for columns in (["agent_id", "id"], ["deployment_id", "id"]):
        name = "_".join(["ix_conversations_workspace_id", *columns])
        op.create_index(name, "conversations", ["workspace_id", *columns])
    key = ["workspace_id", "id"]
    op.create_index("ix_conversations_workspace_id_id", "conversations", key, unique=True)
    _create(
        "messages",
        "conversation_id",
        "conversations",
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(9), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("tool_calls", sa.Text(), nullable=False),
        sa.Column("citations", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cost_usd", sa.BigInteger()),
        sa.Column("run_id", _ID),
        sa.Column("feedback", sa.Text(), nullable=False),
    )
    place = ["workspace_id", "conversation_id", "sequence"]
    op.create_index("uq_messages_conversation_id_sequence", "messages", place, unique=True)
    op.create_index("ix_messages_run_id", "messages", ["run_id"])


def downgrade() -> None:
    """Take the schema back."""
    op.drop_table("messages")
    op.drop_table("conversations")


def _create(table: str, owner_id: str, owner: str, *parts: Any) -> None:
    op.create_table(
        table,
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column(owner_id, _ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["workspace_id", owner_id],
            [f"{owner}.workspace_id", f"{owner}.id"],
            name=f"fk_{table}_{owner}",
            ondelete="CASCADE",
        ),
    )
