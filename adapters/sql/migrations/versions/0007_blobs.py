"""Large values, kept beside the rows that name them."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0007"
down_revision: Final = "0006"
branch_labels: Final = None
depends_on: Final = None

_NAME: Final = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_NAMED: Final = (
    ("runs", "inputs_blob"),
    ("runs", "output_blob"),
    ("steps", "input_blob"),
    ("steps", "output_blob"),
    ("effects", "value_blob"),
)


def upgrade() -> None:
    """Bring the schema up; what rows hold already stays in them."""
    op.create_table(
        "blobs",
        sa.Column("name", _NAME, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_blobs"),
    )
    for table, column in _NAMED:
        op.add_column(table, sa.Column(column, sa.Text()))


def downgrade() -> None:
    """Take the schema back; large values are lost."""
    for table, column in _NAMED:
        op.drop_column(table, column)
    op.drop_table("blobs")
