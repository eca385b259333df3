"""Whoever keeps tools, over real adapters."""

from orbiter.adapters.mcp.remote import McpTools
from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.transport import guarded_client
from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.adapters.templating.minijinja import MinijinjaTemplates
from orbiter.application.ports.sandbox import Sandbox
from orbiter.application.remote_servers import RemoteServers
from orbiter.application.sealing import Seals
from orbiter.application.tool_kinds import ToolKinds
from orbiter.application.tools import ToolHandlers
from orbiter.application.vault import Vault
from orbiter.application.work import Work


def tools_over(work: Work, sandbox: Sandbox) -> ToolHandlers:
    """Return what keeps tools; remote servers are nowhere to be reached."""
    schemas = JsonSchemas()
    remote = McpTools(lambda: guarded_client(EgressAllowlist()))
    vault = Vault(work.storage, Seals(FernetCipher(["k" * 32])), work.clock)
    servers = RemoteServers(work, remote, vault, MinijinjaTemplates(), schemas)
    return ToolHandlers(work, ToolKinds(schemas, sandbox), servers)
