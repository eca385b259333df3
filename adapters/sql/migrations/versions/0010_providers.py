"""Providers, secrets and prices."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0010"
down_revision: Final = "0009"
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema up."""
    _create_providers()
    _create_secrets()
    _create_prices()


def downgrade() -> None:
    """Take the schema back."""
    op.drop_table("prices")
    op.drop_table("secrets")
    op.drop_table("providers")


def _create_providers() -> None:
    op.create_table(
        "providers",
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("provider_type", sa.String(17), nullable=False),
        sa.Column("base_url", sa.Text()),
        sa.Column("default_model", sa.String(255)),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("max_retries", sa.Integer(), nullable=False),
        sa.Column("timeout_seconds", sa.Float(53), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary()),
        sa.Column("api_key_hint", sa.Text()),
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("last_tested_at", sa.BigInteger()),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_providers"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_providers_workspace_id_name"),
    )
    op.create_index("ix_providers_workspace_id_id", "providers", ["workspace_id", "id"])


def _create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("project_id", _ID),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("sealed_value", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name="fk_secrets_projects",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_secrets_workspace_id_id", "secrets", ["workspace_id", "id"])
    op.create_index(
        "uq_secrets_workspace_id_project_id_name",
        "secrets",
        ["workspace_id", "project_id", "name"],
        unique=True,
    )
    op.create_index(
        "uq_secrets_workspace_id_name",
        "secrets",
        ["workspace_id", "name"],
        unique=True,
        sqlite_where=sa.text("project_id IS NULL"),
        postgresql_where=sa.text("project_id IS NULL"),
    )


def _create_prices() -> None:
    op.create_table(
        "prices",
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("input_usd_per_million", sa.BigInteger(), nullable=False),
        sa.Column("output_usd_per_million", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "model", name="pk_prices"),
    )
