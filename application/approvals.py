"""Approval use cases: answering the nodes that wait for somebody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orbiter.application.ports.execution import RunEngine
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.templating import Schemas
from orbiter.application.run_events import Chronicle
from orbiter.application.work import Work
from orbiter.domain.approvals import Decision, answer_of
from orbiter.domain.errors import Conflict, Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, Step, StepStatus
from orbiter.domain.workflows import Node

_VERBS: Final = {Decision.APPROVE: "approved", Decision.REJECT: "rejected"}


@dataclass(frozen=True, slots=True)
class ApprovalHandlers:
    """Answers to the approvals of runs, one each."""

    work: Work
    engine: RunEngine
    schemas: Schemas
    chronicle: Chronicle

    async def answer(
        self,
        actor: Actor,
        run_id: str,
        step_id: str,
        *,
        decision: Decision,
        comment: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> Step:
        """Return the answered step; its run goes on, and nobody is asked any more.

        Raise Conflict when the step waits for no answer, or has one; Invalid when *fields* break
        the node's schema. What rejects needs no fields.
        """
        async with self.work(actor, Permission.WORKFLOWS_RUN) as uow:
            run = await uow.runs.get(run_id)
            step = await uow.runs.step(run_id, step_id)
            node = await _asking(uow, run, step)
            now = self.work.clock.now()
            given = self._checked(node, decision, fields or {})
            answer = answer_of(decision, at=now, by=actor.user_id, comment=comment, fields=given)
            if not await self.engine.answer(uow, run, step.question, answer):
                raise Conflict("The approval was answered already")
            answered = step.complete(answer, at=now)
            await uow.runs.put_steps([answered])
            await self.chronicle.of_steps(uow, run, [answered])
            await uow.notifications.settle(run_id, step_id)
            await self.work.audit(uow, actor, f"run.{_VERBS[decision]}", run_id)
        return answered

    def _checked(self, node: Node, decision: Decision, fields: Mapping[str, Any]) -> Any:
        schema = node.config.get("fields")
        if schema is None or (decision is Decision.REJECT and not fields):
            return fields
        given = self.schemas.with_defaults(schema, fields)
        problems = [each.under("fields") for each in self.schemas.problems(schema, given)]
        if problems:
            raise Invalid(problems)
        return given


async def _asking(uow: UnitOfWork, run: Run, step: Step) -> Node:
    """Return the node that asks, or raise Conflict."""
    if not run.ended and step.status is StepStatus.WAITING:
        graph = await uow.workflows.version(run.workflow_id or "", run.version)
        for node in graph.canvas.nodes:
            if node.id == step.node_id and node.type == "approval":
                return node
    raise Conflict("The step does not wait for an answer")
