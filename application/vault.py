"""The vault: opens secrets for what is executed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from orbiter.application.patience import patiently
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.application.sealing import Seals
from orbiter.application.secrets import KIND
from orbiter.domain.secrets import PER_WORKSPACE_MAX, VALUE_MAX, Secret, SecretValues

_KEPT: Final = 64
# As many as one workspace may have: to open so many takes a third of a second.
_CHARACTERS_KEPT: Final = PER_WORKSPACE_MAX * VALUE_MAX

_Sealed = tuple[tuple[str, str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Vault:
    """Give what is executed its secrets, which must not leave the core unredacted.

    They are read each time; what has not changed since it was last opened is not opened again.
    """

    storage: Storage
    seals: Seals
    clock: Clock
    _opened_before: dict[_Sealed, SecretValues] = field(default_factory=dict, repr=False)

    async def open(self, workspace_id: str, project_id: str | None) -> SecretValues:
        """Return the secrets a project sees: its own, and the workspace's of other names.

        One that no key opens any more is left out, so that only what needs it fails.
        """

        async def read() -> Sequence[Secret]:
            async with self.storage.open(workspace_id, reading=True) as uow:
                return await uow.secrets.seen_by(project_id)

        seen = {each.name: each for each in await patiently(read, self.clock)}
        return self._values(seen.values())

    def _values(self, secrets: Iterable[Secret]) -> SecretValues:
        sealed = tuple((each.id, each.name, each.sealed_value) for each in secrets)
        values = self._opened_before.pop(sealed, None)
        if values is None:
            values = SecretValues(dict(self._opened(secrets)))
            self._make_room(_characters(values))
        # What was used last stands last.
        self._opened_before[sealed] = values
        return values

    def _make_room(self, characters: int) -> None:
        kept = sum(map(_characters, self._opened_before.values()))
        while self._opened_before and (
            len(self._opened_before) >= _KEPT or kept + characters > _CHARACTERS_KEPT
        ):
            kept -= _characters(self._opened_before.pop(next(iter(self._opened_before))))

    def _opened(self, secrets: Iterable[Secret]) -> Iterator[tuple[str, str]]:
        for secret in secrets:
            try:
                value = self.seals.open(KIND, secret.workspace_id, secret.id, secret.sealed_value)
            except ValueError:
                continue
            yield secret.name, value


def _characters(values: SecretValues) -> int:
    return sum(map(len, values.values.values()))
