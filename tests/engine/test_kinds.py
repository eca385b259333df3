"""Every kind of node that the domain knows can be run."""

import inspect
from pathlib import Path

from orbiter.application.execution import nodes
from orbiter.application.execution.nodes import BEHAVIOURS
from orbiter.domain.workflows.node_kinds import NODE_KINDS


def test_every_kind_that_runs_has_a_behaviour_and_no_other_has() -> None:
    assert set(BEHAVIOURS) == {name for name, kind in NODE_KINDS.items() if kind.runs}


def test_a_kinds_behaviour_is_found_by_its_name() -> None:
    folder = Path(inspect.getfile(nodes)).parent
    for name, behaviour in BEHAVIOURS.items():
        assert Path(inspect.getfile(behaviour)) == folder / f"{name}.py"
