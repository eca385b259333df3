"""Runs that go on from what another one has done."""

from collections.abc import Callable
from dataclasses import replace

from orbiter.adapters.system.ids import new_id
from orbiter.application.execution.reuse import Legacy
from orbiter.domain.runs import RunStatus
from support.power import Disk, House


def heir_of(house: House, wanted: Callable[[str], bool] = lambda _: True) -> House:
    """Return where a run goes on that takes over what another one has done."""
    run = replace(house.run, id=new_id(), status=RunStatus.RUNNING, error=None, finished_at=None)
    canvas = house.graph.canvas
    legacy = Legacy(house.disk.steps.values(), house.disk.records, canvas, run.id, wanted)
    disk = Disk(
        records={each.key: each for each in legacy.records},
        steps={step.id: step for step in legacy.steps},
    )
    assert len(disk.steps) == len(legacy.steps) and len(disk.records) == len(legacy.records)
    return House(house.lab, house.graph, begun_run=run, disk=disk)
