"""What schedules and hooks have in common: they start a workflow for who made them."""

from orbiter.domain.errors import Forbidden
from orbiter.domain.hooks import Hook
from orbiter.domain.identity import Actor, Permission, Role
from orbiter.domain.schedules import Schedule


def starter_of(trigger: Schedule | Hook) -> Actor:
    """Return whose runs it starts: its maker's, who may meanwhile have left the workspace."""
    return Actor(
        user_id=trigger.created_by,
        workspace_id=trigger.workspace_id,
        role=Role.DEVELOPER,
        permissions=frozenset({Permission.WORKFLOWS_RUN}),
    )


def require_may_start(actor: Actor) -> None:
    """Raise Forbidden unless *actor* may itself do what the trigger will."""
    if not actor.may(Permission.WORKFLOWS_RUN):
        raise Forbidden(f"The permission {Permission.WORKFLOWS_RUN} is required")
