"""Costs may be unknown."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"
branch_labels: Final = None
depends_on: Final = None


_TABLES: Final = ("runs", "steps")


def upgrade() -> None:
    """Bring the schema up."""
    for table in _TABLES:
        _put_in_place(table, sa.Column("cost", sa.BigInteger()), "cost_usd")


def downgrade() -> None:
    """Take the schema back; what is unknown becomes 0."""
    for table in _TABLES:
        column = sa.Column("cost", sa.BigInteger(), nullable=False, server_default="0")
        _put_in_place(table, column, "COALESCE(cost_usd, 0)")


def _put_in_place(table: str, column: sa.Column[int], values: str) -> None:
    # SQLite can't change a column, and copying a table would delete what refers to it.
    op.add_column(table, column)
    op.execute(sa.text(f"UPDATE {table} SET cost = {values}"))
    op.drop_column(table, "cost_usd")
    op.alter_column(table, "cost", new_column_name="cost_usd")
