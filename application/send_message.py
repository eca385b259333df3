"""Saying something in a conversation: one message, one run that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from orbiter.application.execution.agents.graph import graph_of
from orbiter.application.run_agent import INPUT, RunAgent
from orbiter.application.starting import Starting
from orbiter.application.work import Work
from orbiter.domain.checks import require
from orbiter.domain.conversations import Message, MessageRole, content_problems
from orbiter.domain.errors import Conflict, Invalid, NotFound, OrbiterError, Unavailable
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, RunStatus, Trigger
from orbiter.domain.workflows import WorkflowVersion

WAIT_SECONDS: Final = 600
_VENDOR: Final = ("MODEL_", "PROVIDER_")
_BROKEN: Final = frozenset(
    {"EGRESS_DENIED", "EXTRA_NOT_INSTALLED", "INTERNAL_ERROR", "CRASHED_REPEATEDLY"}
)
_REFUSED: Final = frozenset({"INPUT_BLOCKED", "INPUT_TOO_LONG"})


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Let a conversation's agent answer a message, whatever becomes of who waits for it."""

    work: Work
    starting: Starting
    run_agent: RunAgent

    async def __call__(
        self,
        actor: Actor,
        conversation_id: str,
        content: str,
        *,
        wait_seconds: float = WAIT_SECONDS,
    ) -> Message | Run:
        """Return the answer, or after *wait_seconds* the run that goes on without the caller.

        Raise Conflict while another message is being answered, and for a run that fails what
        `failure_of` returns.
        """
        run = await self.begin(actor, conversation_id, content)
        return await self.answer(actor, run, wait_seconds=wait_seconds)

    async def begin(self, actor: Actor, conversation_id: str, content: str) -> Run:
        """Return the run that is going to answer; raise as a call does before it runs."""
        run, graph = await self._prepared(actor, conversation_id, content)
        await self._accept(actor, run, graph, content)
        return run

    async def begun(self, actor: Actor, run_id: str) -> Run:
        """Return a run that `begin` has returned before."""
        async with self.work(actor, Permission.CONVERSATIONS_RUN, reading=True) as uow:
            return await uow.runs.get(run_id)

    async def answer(
        self, actor: Actor, run: Run, *, wait_seconds: float = WAIT_SECONDS
    ) -> Message | Run:
        """Return or raise what becomes of a run that was begun, as a call does."""
        with self.starting.events.watch(run) as ending:
            outcome = await self.outcome(actor, run)
            if isinstance(outcome, Run) and not outcome.ended:
                await ending.wait(wait_seconds)
                outcome = await self.outcome(actor, run)
        if isinstance(outcome, Run) and outcome.ended:
            raise failure_of(outcome)
        return outcome

    async def outcome(self, actor: Actor, run: Run) -> Message | Run:
        """Return what a run has answered, or how it stands when there is no answer."""
        async with self.work(actor, Permission.CONVERSATIONS_RUN, reading=True) as uow:
            run = await uow.runs.get(run.id)
            return await uow.conversations.answer_of(run) or run

    async def _prepared(
        self, actor: Actor, conversation_id: str, content: str
    ) -> tuple[Run, WorkflowVersion]:
        async with self.work(actor, Permission.CONVERSATIONS_RUN, reading=True) as uow:
            conversation = await uow.conversations.get(conversation_id)
        require(content_problems(content))
        conversation.require_free()
        run, agent = await self.run_agent.prepare(
            actor,
            conversation.agent_id,
            inputs={INPUT: content},
            trigger=Trigger.CHAT,
            permission=Permission.CONVERSATIONS_RUN,
        )
        told = replace(
            run, conversation_id=conversation.id, deployment_id=conversation.deployment_id
        )
        return told, graph_of(agent)

    async def _accept(self, actor: Actor, run: Run, graph: WorkflowVersion, content: str) -> None:
        async with self.work(actor, Permission.CONVERSATIONS_RUN) as uow:
            # First the run, which waits for a project that is being deleted: whoever does that
            # waits for the conversation.
            await self.starting.accept(uow, actor, run, graph)
            conversation = await uow.conversations.get(run.conversation_id or "")
            conversation = conversation.ask(content, run.id, at=run.queued_at)
            message = Message(
                id=self.work.new_id(),
                workspace_id=run.workspace_id,
                conversation_id=conversation.id,
                sequence=conversation.message_count,
                role=MessageRole.USER,
                content=content,
                run_id=run.id,
                created_at=run.queued_at,
            )
            await uow.conversations.add_message(message)
            await uow.conversations.save(conversation)


def failure_of(run: Run) -> OrbiterError:
    """Return what to tell who asked of a run that ended without an answer.

    Invalid when the message itself was refused, Unavailable when the model or its provider failed,
    so that it may work later, Conflict for what will happen again as things are. The details of
    these two are `run_id`, `code` and `message`.
    """
    if run.status is RunStatus.COMPLETED:
        return NotFound("Conversation")
    code, message = "CANCELLED", "The answer was cancelled"
    if run.error is not None:
        code, message = run.error.code, run.error.message
    details: Mapping[str, object] = {"run_id": run.id, "code": code, "message": message}
    if code in _REFUSED:
        return Invalid.field("content", message)
    if code.startswith(_VENDOR) or code in _BROKEN:
        return Unavailable(f"There is no answer: {message}", details)
    return Conflict(f"There is no answer: {message}", details)
