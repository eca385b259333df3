"""The vault: opens secrets for what is executed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orbiter.application.patience import patiently
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.application.sealing import Seals
from orbiter.application.secrets import KIND
from orbiter.domain.secrets import Secret, SecretValues


@dataclass(frozen=True, slots=True)
class Vault:
    """Give what is executed its secrets, which must not leave the core unredacted."""

    storage: Storage
    seals: Seals
    clock: Clock

    async def open(self, workspace_id: str, project_id: str | None) -> SecretValues:
        """Return the secrets a project sees: its own, and the workspace's of other names.

        One that no key opens any more is left out, so that only what needs it fails.
        """

        async def read() -> Sequence[Secret]:
            async with self.storage.open(workspace_id, reading=True) as uow:
                return await uow.secrets.seen_by(project_id)

        seen = {each.name: each for each in await patiently(read, self.clock)}
        return SecretValues(dict(self._opened(seen.values())))

    def _opened(self, secrets: Iterable[Secret]) -> Iterator[tuple[str, str]]:
        for secret in secrets:
            try:
                value = self.seals.open(KIND, secret.workspace_id, secret.id, secret.sealed_value)
            except ValueError:
                continue
            yield secret.name, value
