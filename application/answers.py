"""What runs answer in conversations, stored in the transactions that store their ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orbiter.application.execution.agents.memory import SUMMARY
from orbiter.application.execution.texts import as_text, well_formed
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.system import Clock, IdFactory
from orbiter.application.run_steps import steps_of_run
from orbiter.domain.conversations import Conversation, MadeCall, Message, MessageRole
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import Run, RunStatus, Step, StepKind


@dataclass(frozen=True, slots=True)
class Answers:
    """Writes answers down, so that they are lost neither with a client nor with a server."""

    clock: Clock
    new_id: IdFactory

    async def of_run(self, uow: UnitOfWork, run: Run) -> None:
        """Store what a run that ended has answered, and let its conversation go on.

        One that failed or was cancelled answers nothing. Its steps are stored already.
        """
        if run.conversation_id is None or not run.ended:
            return
        try:
            conversation = await uow.conversations.get(run.conversation_id)
        except NotFound:
            return
        if conversation.busy_run_id != run.id:
            return
        if run.status is RunStatus.COMPLETED:
            steps = await _own_calls(uow, run.id)
            conversation = await _summed_up(uow, run, conversation, steps)
            conversation = conversation.answered(at=self.clock.now())
            await uow.conversations.add_message(self._answer(run, conversation, steps))
        else:
            conversation = conversation.give_up()
        await uow.conversations.save(conversation)

    def _answer(self, run: Run, conversation: Conversation, steps: Sequence[Step]) -> Message:
        return Message(
            id=self.new_id(),
            workspace_id=run.workspace_id,
            conversation_id=conversation.id,
            sequence=conversation.message_count,
            role=MessageRole.ASSISTANT,
            content=well_formed(as_text(run.output)),
            tool_calls=tuple(_made(steps)),
            usage=run.usage,
            cost_usd=run.cost_usd,
            run_id=run.id,
            created_at=self.clock.now(),
        )


async def _own_calls(uow: UnitOfWork, run_id: str) -> Sequence[Step]:
    """Return the calls that the agent itself made, not those made in them."""
    steps = await steps_of_run(uow, run_id)
    nodes = {step.id for step in steps if step.kind is StepKind.NODE}
    return [step for step in steps if step.parent_step_id in nodes]


async def _summed_up(
    uow: UnitOfWork, run: Run, conversation: Conversation, steps: Sequence[Step]
) -> Conversation:
    for step in steps:
        if step.kind is StepKind.MODEL and step.name == SUMMARY:
            agent = await uow.agents.version(run.agent_id or "", run.version)
            window = agent.settings.memory.window
            return conversation.sum_up(step.output["text"], window=window)
    return conversation


def _made(steps: Sequence[Step]) -> Iterator[MadeCall]:
    for step in steps:
        if step.kind is StepKind.TOOL:
            error = step.error
            failed = None if error is None else {"code": error.code, "message": error.message}
            output = step.output if failed is None else {"error": failed}
            yield MadeCall(id=step.id, name=step.name, arguments=step.input, output=output)
