"""Agents and their versions; runs of agents."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0012"
down_revision: Final = "0011"
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")
_RUNS: Final = "ix_runs_workspace_id_agent_id_id"


def upgrade() -> None:
    """Bring the schema up."""
    op.create_table(
        "agents",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        *_content(),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        *_made(),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_agents_workspace_id_id", "agents", ["workspace_id", "id"], unique=True)
    op.create_index(
        "ix_agents_workspace_id_project_id_id", "agents", ["workspace_id", "project_id", "id"]
    )
    op.create_table(
        "agent_versions",
        sa.Column("agent_id", _ID, primary_key=True),
        sa.Column("version", sa.BigInteger(), primary_key=True, autoincrement=False),
        *_content(),
        *_made(),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
    )
    op.create_index(_RUNS, "runs", ["workspace_id", "agent_id", "id"])


def downgrade() -> None:
    """Take the schema back."""
    op.drop_index(_RUNS, "runs")
    op.drop_table("agent_versions")
    op.drop_table("agents")


def _content() -> list[sa.Column[str]]:
    return [
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("settings", sa.Text(), nullable=False),
    ]


def _made() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    ]
