"""Workspaces in SQL."""

from typing import Final

from sqlalchemy import Column, Table, Text, bindparam, select

from orbiter.adapters.sql.columns import Id, Instant
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.repository import Mapped
from orbiter.domain.workspaces import Workspace

workspaces: Final = Table(
    "workspaces",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

WORKSPACES: Final = Mapped(workspaces, Workspace)
# Who writes and asks for the workspace's row waits for whoever did so before.
LOCK: Final = select(workspaces.c.id).where(workspaces.c.id == bindparam("mine")).with_for_update()
