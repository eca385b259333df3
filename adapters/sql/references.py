"""What rows refer to: other rows of the same workspace, with which they go."""

from sqlalchemy import ForeignKeyConstraint

from orbiter.adapters.sql.failures import missing


def belongs_to(table: str, column: str, noun: str) -> ForeignKeyConstraint:
    """Return that *column* has the id of a row of *table* in the row's own workspace.

    The row is deleted with that one; without it there is no *noun*.
    """
    return ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{table}.workspace_id", f"{table}.id"],
        ondelete="CASCADE",
        info=missing(noun),
    )
