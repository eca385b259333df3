"""How far a run may go is a setting."""

from orbiter.application.execution.limits import Limits
from orbiter.entrypoints import container, embed
from orbiter.entrypoints.loading import load

CHAIN = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "greet", "type": "template", "config": {"template": "Hello"}},
        {"id": "end", "type": "end"},
    ],
    "edges": [
        {"id": "1", "source": "start", "target": "greet"},
        {"id": "2", "source": "greet", "target": "end"},
    ],
}


async def outcome(steps: int) -> tuple[str, object]:
    core = embed.in_memory(run_max_steps=steps)
    ada = await embed.member(core, "ada@example.org")
    project = await core.projects.create(ada, name="Apollo")
    flow = await core.workflows.create(
        ada, project_id=project.id, name="Chain", canvas=embed.canvas(CHAIN)
    )
    run = await core.run_workflow(ada, flow.workflow.id, wait_seconds=10)
    return run.status, run.error and run.error.message


async def test_a_run_takes_as_many_steps_as_the_setting_says() -> None:
    assert await outcome(3) == ("completed", None)
    assert await outcome(2) == ("failed", "The run took more than 2 steps")


def test_both_limits_are_read_and_reach_the_executor() -> None:
    given = {"ORBITER_RUN_MAX_STEPS": "50", "ORBITER_RUN_MAX_SECONDS": "7"}
    settings = load(given).settings
    made = container.Container(settings=settings).limits()
    assert made == Limits(steps=50, run_seconds=7)


def test_the_defaults_are_those_of_the_interpreter() -> None:
    assert container.Container(settings=load({}).settings).limits() == Limits()
