"""Tools."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0011"
down_revision: Final = "0010"
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema up."""
    op.create_table(
        "tools",
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("server_id", _ID),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("usage_count", sa.BigInteger(), nullable=False),
        sa.Column("searchable", sa.Text(), nullable=False),
        sa.Column("created_by", _ID),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tools"),
        sa.UniqueConstraint("project_id", "name", name="uq_tools_project_id_name"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_tools_workspace_id_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name="fk_tools_projects",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "server_id"],
            ["tools.workspace_id", "tools.id"],
            name="fk_tools_tools",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_tools_workspace_id_project_id_id", "tools", ["workspace_id", "project_id", "id"]
    )
    op.create_index("ix_tools_workspace_id_server_id", "tools", ["workspace_id", "server_id"])


def downgrade() -> None:
    """Take the schema back."""
    op.drop_table("tools")
