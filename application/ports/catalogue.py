"""What runs look up while they are executed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from orbiter.application.ports.models import ChatMessage
from orbiter.domain.agents import AgentVersion
from orbiter.domain.conversations import Summary
from orbiter.domain.runs import Run
from orbiter.domain.secrets import SecretValues
from orbiter.domain.tools import Tool


class Catalogue(Protocol):
    """Agents, tools, models and conversations as the run's workspace has them."""

    async def agent(self, run: Run, agent_id: str, version: int | None = None) -> AgentVersion:
        """Return a version, by default the latest; raise NotFound."""
        ...

    async def tools(self, run: Run, ids: Collection[str]) -> Mapping[str, Tool]:
        """Return those of the tools that there are and that are enabled, by id.

        A remote server's id stands for each of the tools it offers.
        """
        ...

    async def default_model(self, run: Run) -> str | None:
        """Return the project's default model, or else the first that a provider has, if any."""
        ...

    async def history(self, run: Run, *, after: int = 0) -> Sequence[ChatMessage]:
        """Return what was said in the run's conversation before the message it answers.

        Only messages *after* that sequence.
        """
        ...

    async def summary(self, run: Run) -> Summary | None:
        """Return what earlier runs have summed up of the run's conversation."""
        ...

    def count_use(self, run: Run, tool: Tool) -> None:
        """Count one use of a tool."""


class Vault(Protocol):
    """Opens secrets for those who may use them: runs and tools, never users."""

    async def open(self, workspace_id: str, project_id: str | None) -> SecretValues:
        """Return the values of the workspace's secrets and the project's, which win."""
        ...


class Deltas(Protocol):
    """Tells whoever watches a run, in whichever process, what a model is just saying.

    Nothing of it is kept; a slow reader loses pieces, and harms nobody.
    """

    def tell(self, run_id: str, step_id: str, text: str) -> None:
        """Tell a piece of text, within 50 milliseconds."""
