"""Values of runs too large for rows: the row names a blob instead."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, TypeVar

from orbiter.adapters.sql.blobs import BlobRows
from orbiter.adapters.sql.columns import Dumped, dumped
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.ports.blobs import Blobs
from orbiter.domain.errors import Unavailable

LARGE: Final = 256 * 1024
RUNS: Final = "runs"

_SURELY_SMALL: Final = LARGE // 4  # so many characters never take more bytes than LARGE
_LOST: Final = "A value of a run can't be read: the run is being deleted, or its blob is missing"

Entity = TypeVar("Entity")

log = logging.getLogger(__name__)


class Elsewhere:
    """Stands for a value whose blob was not read yet; it can't be stored as a value itself."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def told(value: Any, blob: str | None) -> Any:
    """Return a row's *value*, or what stands for it if the row names a *blob*."""
    return value if blob is None else Elsewhere(blob)


class LargeValues:
    """Those of one transaction: in the blobs *beside* the database, or in its own table.

    The blob of a value in the column `x` is named in `x_blob`, which is null if there is none.
    """

    def __init__(self, transaction: Transaction, beside: Blobs | None) -> None:
        self._blobs = BlobRows(transaction) if beside is None else beside
        self._beside = beside is not None
        self._dropped: list[str] = []

    async def put(self, run_id: str, row: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
        """Put what is large in these *columns* of a run's *row* into blobs, and return the row."""
        for column in columns:
            text = dumped(row[column])
            row[column], row[f"{column}_blob"] = Dumped(text), None
            if len(text) > _SURELY_SMALL and len(data := text.encode()) > LARGE:
                row[column], row[f"{column}_blob"] = None, await self._put(run_id, data)
        return row

    async def whole(self, entity: Entity, fields: Sequence[str]) -> Entity:
        """Return *entity* with those of its *fields* read that are elsewhere; raise Unavailable."""
        found: dict[str, Any] = {}
        for field in fields:
            value = getattr(entity, field)
            if isinstance(value, Elsewhere):
                found[field] = await self._get(value.name)
        return replace(entity, **found) if found else entity  # type: ignore[type-var]

    async def drop(self, run_ids: Sequence[str]) -> None:
        """Remove the blobs of runs that this transaction deletes."""
        folders = [_folder(run_id) for run_id in run_ids]
        if self._beside:
            self._dropped += folders
        else:
            await self._blobs.remove(*folders)

    async def settle(self) -> None:
        """Do what has to wait for the commit; what can't be done is left to the next sweep."""
        if self._dropped:
            try:
                await self._blobs.remove(*self._dropped)
            except Unavailable as error:
                log.warning("Blobs of deleted runs are left behind: %s", error.message)

    async def _put(self, run_id: str, data: bytes) -> str:
        name = f"{_folder(run_id)}/{sha256(data).hexdigest()}"
        # A run's row is written several times, always with the same inputs.
        if not await self._blobs.list(name, limit=1):
            await self._blobs.put(name, data)
        return name

    async def _get(self, name: str) -> Any:
        data = await self._blobs.get(name)
        if data is None:
            log.error("The blob %s is missing", name)
            raise Unavailable(_LOST)
        return json.loads(data)


def _folder(run_id: str) -> str:
    return f"{RUNS}/{run_id}"
