"""Starting a workflow: what is refused, what is waited for, and what is stored."""

from dataclasses import replace
from typing import Any

import pytest

from orbiter.application.execution.processor import Processor
from orbiter.domain.errors import Forbidden, Invalid, NotFound
from orbiter.domain.identity import Role, permissions_of
from orbiter.domain.runs import RunStatus, Trigger
from orbiter.domain.workflows import WorkflowVersion, issues_of
from support.graphs import graph, node
from support.plant import DEVELOPER, Plant

START, END = node("start", "start"), node("end", "end")
SCHEMA = {
    "type": "object",
    "required": ["n", "deep"],
    "properties": {
        "n": {"type": "integer", "default": 1},
        "deep": {
            "type": "object",
            "required": ["list"],
            "properties": {"list": {"type": "array", "items": {"type": "integer"}}},
        },
    },
    "additionalProperties": False,
}


@pytest.fixture
async def plant() -> Plant:
    return Plant()


def computed() -> WorkflowVersion:
    text = node("text", "template", template="n is {{ inputs.n }}")
    return graph(START, text, END, edges="start > text, text > end")


def a_pause(seconds: float) -> WorkflowVersion:
    wait = node("wait", "delay", seconds=seconds)
    return graph(START, wait, END, edges="start > wait, wait > end")


async def test_a_computed_graph_that_is_waited_for_is_stored_with_its_trace(plant: Plant) -> None:
    workflow_id = await plant.keep(computed())
    run = await plant.start(DEVELOPER, workflow_id, inputs={"n": 5}, wait_seconds=5)
    assert (run.status, run.output, run.trigger) == (
        RunStatus.COMPLETED,
        "n is 5",
        Trigger.MANUAL,
    )
    detail = await plant.detail(run)
    assert detail.run == run
    assert [step.node_id for step in detail.trace.items] == ["start", "text", "end"]


async def test_a_computed_graph_can_fail(plant: Plant) -> None:
    run = await plant.start(DEVELOPER, await plant.keep(computed()), wait_seconds=5)
    assert run.error is not None and run.error.code == "TEMPLATE_ERROR"
    assert (await plant.detail(run)).run == run


@pytest.mark.parametrize(("seconds", "status"), [(0, "completed"), (3600, "waiting")])
async def test_a_run_that_is_waited_for_is_returned_as_it_stands_then(
    plant: Plant, seconds: float, status: str
) -> None:
    async def work() -> None:
        workflow_id = await plant.keep(a_pause(seconds))
        run = await plant.start(DEVELOPER, workflow_id, wait_seconds=0.05)
        assert run.status == status
        assert (await plant.detail(run)).run == run

    if status == "waiting":
        # Virtual time would let the hour pass; the wait is one of real time.
        await work()
        await plant.engine.stop(0)
    else:
        await plant.clock.through(work())


async def test_what_computes_for_too_long_is_left_to_the_engine() -> None:
    plant = Plant(processor=Processor(slice_seconds=0))
    drawn = graph(
        START,
        node("loop", "loop", items="range(5000)", max_iterations=5000),
        node("x", "template", inside="loop", template="{{ item }}"),
        END,
        edges="start > loop, loop > end",
    )

    async def work() -> None:
        run = await plant.start(DEVELOPER, await plant.keep(drawn), wait_seconds=0.02)
        assert run.status in (RunStatus.QUEUED, RunStatus.RUNNING)
        assert (await plant.ended(run)).run.status is RunStatus.COMPLETED

    await plant.clock.through(work())


@pytest.mark.parametrize(
    ("inputs", "fields"),
    [
        ({}, {"inputs.deep": "missing"}),
        (
            {"n": "x", "deep": {"list": [1, "b"]}, "more": 1},
            {
                "inputs.n": "int_type",
                "inputs.deep.list.1": "int_type",
                "inputs.more": "extra_forbidden",
            },
        ),
        ({"deep": {}}, {"inputs.deep.list": "missing"}),
    ],
)
async def test_inputs_that_break_the_schema_are_refused_before_a_run_is_made(
    plant: Plant, inputs: dict[str, Any], fields: dict[str, str]
) -> None:
    drawn = graph(node("start", "start", inputs=SCHEMA), END, edges="start > end")
    workflow_id = await plant.keep(drawn)
    with pytest.raises(Invalid) as refusal:
        await plant.start(DEVELOPER, workflow_id, inputs=inputs)
    assert {each.field: each.type for each in refusal.value.problems} == fields
    async with plant.kept.open("", reading=True) as uow:
        assert await uow.credentials.unended_runs() == []


async def test_defaults_make_up_for_what_is_missing(plant: Plant) -> None:
    drawn = graph(node("start", "start", inputs=SCHEMA), END, edges="start > end")
    inputs: dict[str, Any] = {"deep": {"list": []}}
    run = await plant.start(DEVELOPER, await plant.keep(drawn), inputs=inputs, wait_seconds=5)
    assert run.output == {"n": 1, "deep": {"list": []}}
    assert run.inputs == inputs


async def test_an_unfinished_graph_is_refused_with_its_issues(plant: Plant) -> None:
    whole = computed()
    canvas = replace(whole.canvas, edges=whole.canvas.edges[:1])
    unfinished = replace(whole, canvas=canvas, issues=issues_of(canvas))
    with pytest.raises(Invalid) as refusal:
        await plant.start(DEVELOPER, await plant.keep(unfinished))
    (problem,) = refusal.value.problems
    assert problem.field == "canvas.nodes.2"
    assert problem.message.startswith("UNREACHABLE: ")


@pytest.mark.parametrize("version", [0, 2, -1])
async def test_a_version_that_does_not_exist_is_refused(plant: Plant, version: int) -> None:
    with pytest.raises(Invalid) as refusal:
        await plant.start(DEVELOPER, await plant.keep(computed()), version=version)
    assert [each.field for each in refusal.value.problems] == ["version"]


async def test_another_workspace_can_not_start_it(plant: Plant) -> None:
    stranger = replace(DEVELOPER, workspace_id="0192f000-0000-7000-8000-0000000000ff")
    with pytest.raises(NotFound):
        await plant.start(stranger, await plant.keep(computed()))


async def test_a_viewer_can_not_start_it(plant: Plant) -> None:
    viewer = replace(DEVELOPER, role=Role.VIEWER, permissions=permissions_of(Role.VIEWER))
    with pytest.raises(Forbidden):
        await plant.start(viewer, await plant.keep(computed()))


async def test_an_api_keys_runs_are_told_apart(plant: Plant) -> None:
    holder = replace(DEVELOPER, api_key_id="0192f000-0000-7000-8000-0000000000ee")
    run = await plant.start(holder, await plant.keep(computed()), inputs={"n": 1}, wait_seconds=1)
    assert run.trigger is Trigger.API
