"""A notification: what one member is told in the app, and whether it was read."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from orbiter.domain.checks import require, text_problems

TITLE_MAX: Final = 255
MESSAGE_MAX: Final = 10_000
PER_MEMBER_MAX: Final = 1000

_CUT: Final = "…"


class NotificationKind(StrEnum):
    """What it is about: a question that waits for an answer, or a message of a `notify` node."""

    APPROVAL = "approval"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One member's copy, so that whether it was *read* is that member's own affair."""

    id: str
    workspace_id: str
    user_id: str
    kind: NotificationKind
    title: str
    message: str
    run_id: str | None = None
    workflow_id: str | None = None
    step_id: str | None = None
    read: bool = False
    created_at: datetime

    def __post_init__(self) -> None:
        require(
            text_problems("title", self.title, minimum=1, maximum=TITLE_MAX),
            text_problems("message", self.message, maximum=MESSAGE_MAX),
        )

    def mark(self, *, read: bool) -> "Notification":
        """Note that the member has read it, or has it stand out again."""
        return replace(self, read=read)


def clipped(text: str, maximum: int) -> str:
    """Return *text* as a notification can have it: at most so long, and storable everywhere."""
    storable = text.replace("\0", "\ufffd").encode(errors="replace").decode()
    return storable if len(storable) <= maximum else storable[: maximum - len(_CUT)] + _CUT
