"""Which version of the interpreter executes a run."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Bring the schema up; what was executed so far was by the first interpreter."""
    first = sa.text("1")
    op.add_column(
        "executors", sa.Column("interpreter", sa.Integer(), nullable=False, server_default=first)
    )
    op.add_column("executions", sa.Column("interpreter", sa.Integer(), nullable=True))
    op.execute("UPDATE executions SET interpreter = 1")


def downgrade() -> None:
    """Take the schema back."""
    op.drop_column("executions", "interpreter")
    op.drop_column("executors", "interpreter")
