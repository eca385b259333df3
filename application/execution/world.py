"""What nodes reach the world by."""

from dataclasses import dataclass

from orbiter.application.artifacts import Artifacts
from orbiter.application.ports.catalogue import Catalogue, Deltas, Vault
from orbiter.application.ports.models import ModelCalls
from orbiter.application.ports.notifications import Notices
from orbiter.application.ports.outbound import HttpClient
from orbiter.application.ports.remote_tools import RemoteTools
from orbiter.application.ports.sandbox import Sandbox
from orbiter.application.ports.search import WebSearch
from orbiter.application.ports.system import Clock, Mailer
from orbiter.application.ports.templating import Schemas, Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The ports that nodes use, the same for every run."""

    templates: Templates
    schemas: Schemas
    http: HttpClient
    mailer: Mailer
    sandbox: Sandbox
    notices: Notices
    clock: Clock
    models: ModelCalls
    catalogue: Catalogue
    vault: Vault
    deltas: Deltas
    artifacts: Artifacts
    search: WebSearch
    remote_tools: RemoteTools
