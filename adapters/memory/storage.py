"""Transactions in memory: each works on a draft that replaces what is kept when it commits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from orbiter.adapters.memory.agents import MemoryAgents
from orbiter.adapters.memory.api_keys import MemoryApiKeys
from orbiter.adapters.memory.audit_log import MemoryAuditLog
from orbiter.adapters.memory.conversations import MemoryConversations
from orbiter.adapters.memory.credentials import MemoryCredentials
from orbiter.adapters.memory.executions import MemoryExecutions
from orbiter.adapters.memory.hooks import MemoryHooks
from orbiter.adapters.memory.notifications import MemoryNotifications
from orbiter.adapters.memory.prices import MemoryPrices
from orbiter.adapters.memory.projects import MemoryProjects
from orbiter.adapters.memory.providers import MemoryProviders
from orbiter.adapters.memory.run_events import MemoryRunEventLog
from orbiter.adapters.memory.runs import MemoryRuns
from orbiter.adapters.memory.schedules import MemorySchedules
from orbiter.adapters.memory.secrets import MemorySecrets
from orbiter.adapters.memory.sessions import MemorySessions
from orbiter.adapters.memory.tables import Tables
from orbiter.adapters.memory.tools import MemoryTools
from orbiter.adapters.memory.users import MemoryUsers
from orbiter.adapters.memory.workflows import MemoryWorkflows
from orbiter.application.ports.blobs import Blobs
from orbiter.application.ports.storage import UnitOfWork


class MemoryUnitOfWork:
    """One draft, seen as the repositories of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        self.projects = MemoryProjects(tables, workspace_id)
        self.workflows = MemoryWorkflows(tables, workspace_id)
        self.agents = MemoryAgents(tables, workspace_id)
        self.tools = MemoryTools(tables, workspace_id)
        self.conversations = MemoryConversations(tables, workspace_id)
        self.runs = MemoryRuns(tables, workspace_id)
        self.run_events = MemoryRunEventLog(tables, workspace_id)
        self.schedules = MemorySchedules(tables, workspace_id)
        self.hooks = MemoryHooks(tables, workspace_id)
        self.providers = MemoryProviders(tables, workspace_id)
        self.secrets = MemorySecrets(tables, workspace_id)
        self.prices = MemoryPrices(tables, workspace_id)
        self.notifications = MemoryNotifications(tables, workspace_id)
        self.users = MemoryUsers(tables, workspace_id)
        self.sessions = MemorySessions(tables, workspace_id)
        self.api_keys = MemoryApiKeys(tables, workspace_id)
        self.audit_log = MemoryAuditLog(tables, workspace_id)
        self.executions = MemoryExecutions(tables)
        self.credentials = MemoryCredentials(tables)
        self.callbacks: list[Callable[[], None]] = []

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call *callback* once the transaction has committed."""
        self.callbacks.append(callback)


class MemoryStorage:
    """Writers come one after another; readers see what was committed when they began.

    Deleted runs take with them what the *blobs* given have of them.
    """

    def __init__(self, blobs: Blobs | None = None) -> None:
        self._committed = Tables()
        self._blobs = blobs
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def open(self, workspace_id: str, *, reading: bool = False) -> AsyncIterator[UnitOfWork]:
        """Begin a transaction scoped to a workspace; what only reads raises when it writes."""
        if reading:
            uow = MemoryUnitOfWork(self._committed.fork(reading=True), workspace_id)
            yield uow
        else:
            async with self._writing:
                draft = self._committed.fork(reading=False)
                uow = MemoryUnitOfWork(draft, workspace_id)
                yield uow
                self._committed = draft
                if self._blobs is not None:
                    await self._blobs.remove(*(f"runs/{run_id}" for run_id in draft.runs.dropped))
        for callback in uow.callbacks:
            callback()

    async def ready(self) -> None:
        """Return; memory always answers."""

    async def shrink(self) -> None:
        """Return; what is dropped is free."""

    async def close(self) -> None:
        """Return; there is no connection."""
