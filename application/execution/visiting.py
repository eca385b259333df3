"""A node's turn: its attempts, its step in the trace, and how the graph goes on after it."""

from collections.abc import Callable

from orbiter.application.execution.journal import interruption_of
from orbiter.application.execution.nodes import BEHAVIOURS
from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.visit import Visit
from orbiter.application.ports.execution import Parked
from orbiter.application.ports.templating import TemplateError
from orbiter.domain.runs import Step, StepError, StepStatus
from orbiter.domain.workflows import OnError
from orbiter.domain.workflows.node_kinds import ERROR, OUTPUT


async def visited(visit: Visit, *, unwanted: Callable[[], bool]) -> Outcome | None:
    """Return what the node leaves; raise NodeFailed for a failure that its settings don't catch.

    None if it was stopped because its result had become *unwanted*.
    """
    journal = visit.journey.journal
    step = visit.step = journal.begin(visit.node, visit.place, announce=not visit.instant)
    if step.given_up:
        # It was given up in an earlier execution.
        return None
    if _is_done(step, visit):
        # What it needed then may be gone by now, or another.
        journal.weigh(step.output)
        return Outcome(step.output)
    try:
        outcome, failed = await _outcome_of(visit)
    except NodeFailed as final:
        journal.fail(_explained(step, visit), _told(final))
        raise final.at(visit.node.id) from None
    except BaseException as error:
        if unwanted():
            journal.give_up(_explained(step, visit))
            return None
        if isinstance(error, Parked):
            journal.wait(_explained(step, visit))
            raise
        journal.fail(_explained(step, visit), interruption_of(error))
        raise
    if failed is None:
        journal.complete(_explained(step, visit), outcome.output)
    else:
        journal.fail(_explained(step, visit), _told(failed), outcome.output)
    return outcome


def _is_done(step: Step, visit: Visit) -> bool:
    """Say whether an effect's output stands in the trace: with that alone the graph goes on."""
    node = visit.node
    only_by_output = node.kind.handles(node.config) == {OUTPUT}
    done = step.status is StepStatus.COMPLETED
    return done and not node.kind.pure and only_by_output


def _explained(step: Step, visit: Visit) -> Step:
    return visit.journey.journal.explained(
        step,
        input=visit.input,
        attempt=visit.attempt,
        logs=visit.logs,
        spent=visit.account.spending,
    )


async def _outcome_of(visit: Visit) -> tuple[Outcome, NodeFailed | None]:
    """Return what the node leaves, and the failure it goes on from, if there was one."""
    weigh = visit.journey.journal.weigh
    try:
        outcome = await _tried(visit)
        weigh(outcome.output)
    except NodeFailed as failed:
        outcome = _way_on(visit, failed)
        weigh(outcome.output)
        return outcome, failed
    return outcome, None


async def _tried(visit: Visit) -> Outcome:
    """Return the outcome of the first attempt that works."""
    while True:
        try:
            return await BEHAVIOURS[visit.node.type](visit)
        except NodeFailed as error:
            failed = error
        except TemplateError as error:
            failed = _not_rendered(error)
        failed = failed.told(visit.secrets)
        if not await visit.may_try_again(failed):
            raise failed


def _way_on(visit: Visit, failed: NodeFailed) -> Outcome:
    """Return how the graph goes on after a failure, or raise it."""
    node = visit.node
    match node.on_error:
        case OnError.FAIL:
            raise failed
        case OnError.BRANCH:
            return Outcome({"code": failed.code, "message": failed.message}, ERROR)
        case OnError.CONTINUE:
            return Outcome(_fallback(visit), node.kind.otherwise(node.config))


def _fallback(visit: Visit) -> object:
    try:
        return visit.render(visit.node.fallback)
    except TemplateError as error:
        raise _not_rendered(error).told(visit.secrets) from None


def _not_rendered(error: TemplateError) -> NodeFailed:
    return NodeFailed("TEMPLATE_ERROR", error.message)


def _told(failed: NodeFailed) -> StepError:
    return StepError(code=failed.code, message=failed.message)
