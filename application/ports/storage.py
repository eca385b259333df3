"""Transactions: commit on leaving, roll back on any exception."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from orbiter.application.ports.agents import AgentRepository
from orbiter.application.ports.conversations import ConversationRepository
from orbiter.application.ports.executions import Executions
from orbiter.application.ports.notifications import NotificationRepository
from orbiter.application.ports.prices import PriceRepository
from orbiter.application.ports.providers import ProviderRepository
from orbiter.application.ports.repositories import (
    ApiKeyRepository,
    AuditLog,
    Credentials,
    ProjectRepository,
    RunRepository,
    SessionRepository,
    UserRepository,
)
from orbiter.application.ports.run_events import RunEventLog
from orbiter.application.ports.secrets import SecretRepository
from orbiter.application.ports.tools import ToolRepository
from orbiter.application.ports.triggers import HookRepository, ScheduleRepository
from orbiter.application.ports.workflows import WorkflowRepository


class UnitOfWork(Protocol):
    """One transaction over every repository of one workspace.

    When a write raises, leave: a storage may have given the transaction up, and then raises the
    same error again instead of committing.
    """

    @property
    def projects(self) -> ProjectRepository: ...
    @property
    def workflows(self) -> WorkflowRepository: ...
    @property
    def agents(self) -> AgentRepository: ...
    @property
    def tools(self) -> ToolRepository: ...
    @property
    def conversations(self) -> ConversationRepository: ...
    @property
    def runs(self) -> RunRepository: ...
    @property
    def schedules(self) -> ScheduleRepository: ...
    @property
    def hooks(self) -> HookRepository: ...
    @property
    def providers(self) -> ProviderRepository: ...
    @property
    def secrets(self) -> SecretRepository: ...
    @property
    def prices(self) -> PriceRepository: ...
    @property
    def run_events(self) -> RunEventLog: ...
    @property
    def notifications(self) -> NotificationRepository: ...
    @property
    def users(self) -> UserRepository: ...
    @property
    def sessions(self) -> SessionRepository: ...
    @property
    def api_keys(self) -> ApiKeyRepository: ...
    @property
    def audit_log(self) -> AuditLog: ...
    @property
    def executions(self) -> Executions:
        """What the engine keeps beside runs, over all workspaces; only the engine uses it."""
        ...

    @property
    def credentials(self) -> Credentials:
        """What is looked up before a workspace is known; only accounts and the engine use it."""
        ...

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call *callback* once the transaction has committed; never if it rolls back."""


class Storage(Protocol):
    """The door to what is kept."""

    def open(
        self, workspace_id: str, *, reading: bool = False
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin a transaction scoped to a workspace; one that is *reading* takes no lock.

        An empty *workspace_id* sees no workspace's rows, only `credentials`.
        """
        ...

    async def ready(self) -> None:
        """Raise Unavailable unless a statement gets an answer."""

    async def shrink(self) -> None:
        """Give back to the file system what deleted rows took, where that does not go by itself."""

    async def close(self) -> None:
        """Give back every connection."""
