"""Hook use cases: making them, and being called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.identity import Cipher, Tokens
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.application.references import reference_problems
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.signatures import is_signed
from orbiter.application.triggers import require_may_start, starter_of
from orbiter.application.work import Work
from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import Invalid, NotFound, Unauthenticated, Unavailable
from orbiter.domain.hooks import SECRET_MAX, Hook
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, Trigger

PATH: Final = "api/v1/hooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHook:
    """A hook as it was made; its *url*, which holds the token, is shown this once."""

    hook: Hook
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HookHandlers:
    """What an actor may do with hooks, and what anybody may who knows a hook's token."""

    work: Work
    tokens: Tokens
    cipher: Cipher
    run_workflow: RunWorkflow
    public_url: str

    async def create(
        self, actor: Actor, *, workflow_id: str, name: str, secret: str | None = None
    ) -> NewHook:
        """Add a hook to a workflow; with a *secret*, calls must be signed with it."""
        require(text_problems("secret", secret, minimum=1, maximum=SECRET_MAX))
        token = self.tokens.new()
        async with self.work(actor, Permission.HOOKS_WRITE) as uow:
            require_may_start(actor)
            hook = Hook(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                workflow_id=workflow_id,
                name=name,
                token_hash=self.tokens.hash(token),
                sealed_secret=None if secret is None else self._sealed(secret),
                created_by=actor.user_id,
                created_at=self.work.clock.now(),
            )
            problems = await reference_problems("workflow_id", uow.workflows.get, workflow_id)
            if problems:
                raise Invalid(problems)
            await uow.hooks.add(hook)
            await self.work.audit(uow, actor, "hook.created", hook.id)
        return NewHook(hook=hook, url=f"{self.public_url.rstrip('/')}/{PATH}/{token}")

    async def get(self, actor: Actor, hook_id: str) -> Hook:
        """Return a hook."""
        async with self.work(actor, Permission.HOOKS_READ) as uow:
            return await uow.hooks.get(hook_id)

    async def page(self, actor: Actor, request: PageRequest, only: TriggerFilter) -> Page[Hook]:
        """Return a page of the hooks that match."""
        async with self.work(actor, Permission.HOOKS_READ) as uow:
            return await uow.hooks.page(request, only)

    async def remove(self, actor: Actor, hook_id: str) -> None:
        """Delete a hook; its address is worth nothing from now on, its runs stay."""
        async with self.work(actor, Permission.HOOKS_WRITE) as uow:
            await uow.hooks.remove(hook_id)
            await self.work.audit(uow, actor, "hook.deleted", hook_id)

    async def by_token(self, token: str) -> Hook:
        """Return the hook of a token or raise NotFound, which takes as long for any other."""
        async with self.work.storage.open("", reading=True) as uow:
            hook = await uow.credentials.by_hook(self.tokens.hash(token))
        if hook is None:
            raise NotFound("Hook")
        return hook

    def require_signed(self, hook: Hook, body: bytes, *, timestamp: str, signature: str) -> None:
        """Raise Unauthenticated unless *body* is signed, where the hook has a secret.

        Raise Unavailable when no key opens the secret any more.
        """
        if hook.sealed_secret is None:
            return
        try:
            secret = self.cipher.decrypt(hook.sealed_secret).decode(errors="surrogatepass")
        except ValueError:
            raise Unavailable("The secret of this hook can't be read") from None
        now = self.work.clock.now()
        if not is_signed(secret, timestamp, body, signature, at=now):
            raise Unauthenticated("The call is not signed, or not well, or not in time")

    async def call(self, hook: Hook, inputs: Mapping[str, Any]) -> Run:
        """Start the hook's workflow; raise as `RunWorkflow` does."""
        starter = starter_of(hook)
        run = await self.run_workflow.prepare(
            starter, hook.workflow_id, inputs=inputs, trigger=Trigger.WEBHOOK
        )
        async with self.work(starter, Permission.WORKFLOWS_RUN) as uow:
            if not await uow.hooks.touch(hook.touch(run.queued_at)):
                raise NotFound("Hook")
            await self.run_workflow.accept(uow, starter, run)
        return run

    def _sealed(self, secret: str) -> bytes:
        return self.cipher.encrypt(secret.encode(errors="surrogatepass"))
