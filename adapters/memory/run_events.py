"""Events of runs in memory."""

from collections.abc import Mapping, Sequence

from orbiter.adapters.memory.tables import Tables
from orbiter.domain.run_events import ENDED, RunEvent, numbered


class MemoryRunEventLog:
    """Events of one workspace's runs."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        self._tables = tables
        self._workspace_id = workspace_id

    async def append(
        self, events: Mapping[str, Sequence[RunEvent]]
    ) -> Mapping[str, Sequence[RunEvent]]:
        """Add events of runs, each counted on from its last; return what was added, by run."""
        self._tables.run_events.for_writing()
        added = {run_id: self._append(run_id, told) for run_id, told in events.items()}
        return {run_id: told for run_id, told in added.items() if told}

    async def announce(self, run_id: str, sequence: int, *, ended: bool) -> None:
        """Return; there is no other process."""

    async def page(self, run_id: str, *, after: int, limit: int) -> Sequence[RunEvent]:
        """Return up to *limit* events beyond the sequence *after*, in order."""
        kept = (self._tables.run_events.get(run_id) or ()) if self._knows(run_id) else ()
        return kept[after : after + limit]

    def _append(self, run_id: str, events: Sequence[RunEvent]) -> Sequence[RunEvent]:
        if not self._knows(run_id) or self._is_over(run_id, events):
            return ()
        kept = self._tables.run_events.get(run_id) or ()
        told = [event.once for event in kept if event.once is not None]
        added = numbered(events, told, len(kept))
        self._tables.run_events.put(run_id, (*kept, *added))
        return added

    def _is_over(self, run_id: str, events: Sequence[RunEvent]) -> bool:
        run = self._tables.runs.get(run_id)
        return run is not None and run.ended and all(each.once != ENDED for each in events)

    def _knows(self, run_id: str) -> bool:
        run = self._tables.runs.get(run_id)
        return run is not None and run.workspace_id == self._workspace_id
