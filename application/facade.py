"""The core as one object: what HTTP, the CLI and embedding teams all call."""

from dataclasses import dataclass

from orbiter.application.accounts import AccountHandlers
from orbiter.application.api_keys import ApiKeyHandlers
from orbiter.application.audit_log import AuditLogHandlers
from orbiter.application.authentication import Authentication
from orbiter.application.members import MemberHandlers
from orbiter.application.projects import ProjectHandlers
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.runs import RunHandlers
from orbiter.application.sessions import SessionHandlers
from orbiter.application.workflows import WorkflowHandlers


@dataclass(frozen=True, slots=True, kw_only=True)
class Orbiter:
    """Every use case, grouped by resource."""

    authentication: Authentication
    accounts: AccountHandlers
    sessions: SessionHandlers
    members: MemberHandlers
    api_keys: ApiKeyHandlers
    audit_log: AuditLogHandlers
    projects: ProjectHandlers
    workflows: WorkflowHandlers
    run_workflow: RunWorkflow
    runs: RunHandlers
