"""What happened to runs, event by event."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0004"
down_revision: Final = "0003"
branch_labels: Final = None
depends_on: Final = None

_ID: Final = sa.String(36).with_variant(postgresql.VARCHAR(36, collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema up; what is told of runs that have ended is made up from their traces."""
    op.create_table(
        "run_events",
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(14), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("once", sa.String(42), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("run", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "sequence", name="pk_run_events"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_run_events_runs", ondelete="CASCADE"
        ),
    )
    op.create_index("uq_run_events_run_id_once", "run_events", ["run_id", "once"], unique=True)


def downgrade() -> None:
    """Take the schema back."""
    op.drop_table("run_events")
