"""Steps that were carried over from an earlier run; child runs found by their parents."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Bring the schema up; no step so far was carried over."""
    op.add_column(
        "steps", sa.Column("reused", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index("ix_runs_parent_run_id", "runs", ["parent_run_id"])


def downgrade() -> None:
    """Take the schema back."""
    op.drop_index("ix_runs_parent_run_id", table_name="runs")
    op.drop_column("steps", "reused")
