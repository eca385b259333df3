"""Memory and SQL, driven by the same calls, give the same answers and the same errors."""

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.sql.storage import SqlStorage, SqlUnitOfWork
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.domain.errors import OrbiterError
from support.calls import WORKSPACES, Call, any_call, first_calls
from support.postgres import emptied


@dataclass(frozen=True)
class Failure:
    """An error, comparable."""

    kind: str
    message: str


class Machine(RuleBasedStateMachine):
    """Two storages side by side, and perhaps a unit of work open in each."""

    def __init__(self, sql: SqlStorage, runner: "asyncio.Runner") -> None:
        super().__init__()
        self._runner = runner
        self._storages: tuple[Storage, ...] = (MemoryStorage(), sql)
        self._begun: list[AbstractAsyncContextManager[UnitOfWork]] = []
        self._open: list[UnitOfWork] = []
        self._workspace_id = ""

    @initialize()
    def settle(self) -> None:
        """Store one of each kind in each workspace, for calls to meet."""
        for number, workspace_id in enumerate(WORKSPACES):
            self.begin(workspace_id, reading=False)
            for call in first_calls(number):
                assert self._answer(call) is None
            self.end(well=True)

    @precondition(lambda self: not self._open)
    @rule(workspace_id=st.sampled_from(WORKSPACES), reading=st.sampled_from([False, False, True]))
    def begin(self, workspace_id: str, reading: bool) -> None:
        """Open a unit of work in both."""
        self._workspace_id = workspace_id
        self._begun = [each.open(workspace_id, reading=reading) for each in self._storages]
        self._open = [self._runner.run(each.__aenter__()) for each in self._begun]

    @precondition(lambda self: self._open)
    @rule(well=st.sampled_from([True, True, False]))
    def end(self, well: bool) -> None:
        """Commit both, or roll both back."""
        error = None if well else ZeroDivisionError()
        for each in self._begun:
            self._runner.run(each.__aexit__(type(error) if error else None, error, None))
        self._begun, self._open = [], []

    @precondition(lambda self: self._open)
    @rule(calls=st.lists(any_call(), min_size=1, max_size=8))
    def call(self, calls: list[Call]) -> None:
        """Make the same calls in both, until a statement fails, which ends a transaction."""
        for call in calls:
            self._answer(call)
            if self._statement_failed():
                self.end(well=False)
                break

    def teardown(self) -> None:
        """Leave nothing open."""
        if self._open:
            self.end(well=False)
        for storage in self._storages:
            self._runner.run(storage.close())

    def _answer(self, call: Call) -> Any:
        in_memory, in_sql = [self._runner.run(self._outcome(each, call)) for each in self._open]
        assert in_sql == in_memory, call
        return in_memory

    async def _outcome(self, uow: UnitOfWork, call: Call) -> Any:
        try:
            answer = await call.made(uow, self._workspace_id)
        except (OrbiterError, RuntimeError) as error:
            return Failure(type(error).__name__, str(error))
        return dict(answer) if isinstance(answer, Mapping) else answer

    def _statement_failed(self) -> bool:
        _, in_sql = self._open
        return isinstance(in_sql, SqlUnitOfWork) and in_sql.transaction.failure is not None


def drive(make: Any, *, examples: int) -> None:
    """Drive machines with so many sequences of calls."""
    run_state_machine_as_test(
        make,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_memory_and_sqlite(migrated_file: Path, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:

        def machine() -> Machine:
            for left in tmp_path.iterdir():
                left.unlink()
            path = shutil.copy(migrated_file, tmp_path)
            return Machine(SqlStorage.connect(f"sqlite+aiosqlite:///{path}"), runner)

        drive(machine, examples=40)


def test_memory_and_postgresql(migrated_database: str) -> None:
    with asyncio.Runner() as runner:

        def machine() -> Machine:
            runner.run(emptied(migrated_database))
            return Machine(SqlStorage.connect(migrated_database), runner)

        drive(machine, examples=12)
