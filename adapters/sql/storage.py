"""Units of work in SQL."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from orbiter.adapters.sql.agents import SqlAgents
from orbiter.adapters.sql.api_keys import SqlApiKeys
from orbiter.adapters.sql.audit_log import SqlAuditLog
from orbiter.adapters.sql.conversations import SqlConversations
from orbiter.adapters.sql.credentials import SqlCredentials
from orbiter.adapters.sql.database import POOL_SIZE, Database
from orbiter.adapters.sql.executions import SqlExecutions
from orbiter.adapters.sql.hooks import SqlHooks
from orbiter.adapters.sql.large_values import LargeValues
from orbiter.adapters.sql.notifications import SqlNotifications
from orbiter.adapters.sql.prices import SqlPrices
from orbiter.adapters.sql.projects import SqlProjects
from orbiter.adapters.sql.providers import SqlProviders
from orbiter.adapters.sql.run_events import SqlRunEventLog
from orbiter.adapters.sql.runs import SqlRuns
from orbiter.adapters.sql.schedules import SqlSchedules
from orbiter.adapters.sql.secrets import SqlSecrets
from orbiter.adapters.sql.sessions import SqlSessions
from orbiter.adapters.sql.tools import SqlTools
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.users import SqlUsers
from orbiter.adapters.sql.versions import VersionCache
from orbiter.adapters.sql.workflows import SqlWorkflows
from orbiter.application.ports.blobs import Blobs
from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.agents import AgentVersion
from orbiter.domain.workflows import WorkflowVersion


class Caches:
    """What never changes and was read lately, for every unit of work."""

    def __init__(self) -> None:
        self.workflows = VersionCache[WorkflowVersion]()
        self.agents = VersionCache[AgentVersion]()


class SqlUnitOfWork:
    """One transaction, seen as the repositories of one workspace."""

    def __init__(
        self,
        transaction: Transaction,
        workspace_id: str,
        caches: Caches,
        large: LargeValues,
    ) -> None:
        self.transaction = transaction
        self.projects = SqlProjects(transaction, workspace_id, large)
        self.workflows = SqlWorkflows(transaction, workspace_id, caches.workflows)
        self.agents = SqlAgents(transaction, workspace_id, caches.agents)
        self.tools = SqlTools(transaction, workspace_id)
        self.conversations = SqlConversations(transaction, workspace_id)
        self.runs = SqlRuns(transaction, workspace_id, large)
        self.run_events = SqlRunEventLog(transaction, workspace_id)
        self.schedules = SqlSchedules(transaction, workspace_id)
        self.hooks = SqlHooks(transaction, workspace_id)
        self.providers = SqlProviders(transaction, workspace_id)
        self.secrets = SqlSecrets(transaction, workspace_id)
        self.prices = SqlPrices(transaction, workspace_id)
        self.notifications = SqlNotifications(transaction, workspace_id)
        self.users = SqlUsers(transaction, workspace_id)
        self.sessions = SqlSessions(transaction, workspace_id)
        self.api_keys = SqlApiKeys(transaction, workspace_id)
        self.audit_log = SqlAuditLog(transaction, workspace_id)
        self.executions = SqlExecutions(transaction, large)
        self.credentials = SqlCredentials(transaction, large)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call *callback* once the transaction has committed."""
        self.transaction.callbacks.append(callback)


class SqlStorage:
    """Storage in a SQLite file or a PostgreSQL server, whose schema `migrate` has made.

    Runs' values that are too large for rows are kept in the *blobs* given, which nobody else
    removes, or else in the database itself.
    """

    def __init__(self, database: Database, blobs: Blobs | None = None) -> None:
        self._database = database
        self._blobs = blobs
        self._caches = Caches()

    @classmethod
    def connect(cls, url: str, *, pool_size: int = POOL_SIZE) -> "SqlStorage":
        """Return the storage at *url*, such as `sqlite+aiosqlite:////folder/orbiter.db`."""
        return cls(Database.connect(url, pool_size=pool_size))

    @asynccontextmanager
    async def open(self, workspace_id: str, *, reading: bool = False) -> AsyncIterator[UnitOfWork]:
        """Begin a transaction scoped to a workspace; raise Unavailable if the database is down.

        What only reads sees each statement's own moment, and raises RuntimeError when it writes.
        """
        begun = self._database.reading() if reading else self._database.writing()
        async with begun as transaction:
            large = LargeValues(transaction, self._blobs)
            yield SqlUnitOfWork(transaction, workspace_id, self._caches, large)
        await large.settle()

    async def ready(self) -> None:
        """Raise Unavailable unless a statement gets an answer."""
        await self._database.ready()

    async def shrink(self) -> None:
        """Give back to the file system what deleted rows took; PostgreSQL does so by itself."""
        await self._database.shrink()

    async def close(self) -> None:
        """Give back every connection."""
        await self._database.close()
