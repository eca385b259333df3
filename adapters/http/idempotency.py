"""`Idempotency-Key`: a POST repeated under the same key gets the first answer again."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from orbiter.adapters.http.bodies import body_of
from orbiter.adapters.http.streams import EVENT_STREAM
from orbiter.application.ports.idempotency import IdempotencyStore
from orbiter.application.ports.identity import Cipher
from orbiter.application.ports.system import Clock
from orbiter.domain.errors import BadRequest, Conflict

HEADER: Final = "Idempotency-Key"
REPEATABLE: Final = "repeatable"
ANYBODY: Final = "anybody"
PER_PATH: Final = "per_path"
_UNDERTAKING: Final = "orbiter_undertaking"
STALE: Final = timedelta(minutes=3)
PATIENCE_SECONDS: Final = 75.0
PAUSE_SECONDS: Final = 0.02
ANSWER_MAX: Final = 1024 * 1024
_SANE: Final = re.compile(r"[\x21-\x7e]{1,255}")


class Answer(msgspec.Struct):
    """An answer as it is kept; there is none yet while it is that of the run *run_id*."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    run_id: str | None = None


class Undertaking:
    """What a request under a key has begun, perhaps when it was sent before: the run *run_id*."""

    def __init__(self, keep: Callable[[Answer], Awaitable[None]], run_id: str | None) -> None:
        self.run_id = run_id
        self._keep = keep

    async def begin(self, run_id: str) -> None:
        """Keep which run gives the answer, so that a repeated request waits for the same."""
        self.run_id = run_id
        await self._keep(Answer(status=0, headers=[], body=b"", run_id=run_id))


def undertaking_of(request: Request[Any, Any, Any]) -> Undertaking | None:
    """Return what a request has begun under its key; None when it has none."""
    undertaking: Undertaking | None = request.scope["state"].get(_UNDERTAKING)
    return undertaking


@dataclass(frozen=True)
class Idempotency(ASGIMiddleware):
    """Claim the key, let the first request through, keep its answer if it succeeded.

    What is kept is encrypted: an answer may show a secret once. Refused requests leave no trace,
    so that they may be mended and sent again under the same key.
    """

    store: IdempotencyStore
    cipher: Cipher
    clock: Clock
    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer from the store, or let the request through and store its answer."""
        request: Request[Any, Any, Any] = Request(scope, receive)
        key = request.headers.get(HEADER) if _is_repeatable(request.scope) else None
        if key is None:
            await next_app(scope, receive, send)
            return
        if not _SANE.fullmatch(key):
            raise BadRequest(f"{HEADER} takes 1 to 255 visible ASCII characters")
        who = _who(scope)
        body = await body_of(request)
        kept = await self._claim(who, key, _fingerprint(request, body))
        if kept is not None and kept.run_id is None:
            await _repeat(kept, send)
            return
        keep = partial(self._keep, who, key)
        undertaking = Undertaking(keep, None if kept is None else kept.run_id)
        scope["state"][_UNDERTAKING] = undertaking
        recorder = _Recorder(send, keep, undertaking)
        await self._first(who, key, _Replayed(body, receive), recorder, next_app, scope)

    async def _claim(self, who: str, key: str, fingerprint: str) -> Answer | None:
        waited, pause = 0.0, PAUSE_SECONDS
        while waited < PATIENCE_SECONDS:
            now = self.clock.now()
            claim = await self.store.claim(who, key, fingerprint, at=now, stale=now - STALE)
            if claim is None:
                return None
            if claim.fingerprint != fingerprint:
                raise Conflict(f"This {HEADER} was used for another request")
            if claim.answer is not None:
                return self._opened(claim.answer)
            await self.clock.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 0.5)
        raise Conflict(f"The first request with this {HEADER} is still at work")

    async def _first(
        self,
        who: str,
        key: str,
        receive: "_Replayed",
        recorder: "_Recorder",
        next_app: ASGIApp,
        scope: Scope,
    ) -> None:
        try:
            await next_app(scope, receive, recorder)
        except BaseException as error:
            # What was begun goes on without a caller who is gone, and beyond the server's end.
            has_begun = scope["state"][_UNDERTAKING].run_id is not None
            if not (recorder.streams or (has_begun and not isinstance(error, Exception))):
                await self.store.release(who, key)
            raise
        if recorder.streams:
            return
        answer = recorder.answer()
        if answer is None:
            await self.store.release(who, key)
        else:
            await self._keep(who, key, answer)
        await recorder.let_go()

    def _opened(self, kept: bytes) -> Answer:
        try:
            packed = self.cipher.decrypt(kept)
        except ValueError:
            # Kept under a secret key that was dropped. What was done then is not done twice.
            message = f"The answer to the first request with this {HEADER} can't be read any more"
            raise Conflict(message) from None
        return msgspec.msgpack.decode(packed, type=Answer)

    async def _keep(self, who: str, key: str, answer: Answer) -> None:
        await self.store.keep(who, key, self.cipher.encrypt(msgspec.msgpack.encode(answer)))


async def _repeat(answer: Answer, send: Send) -> None:
    headers = [*answer.headers, (b"idempotent-replayed", b"true")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


class _Replayed:
    """The request's body once more, then what the client still says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Any:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Recorder:
    """Holds the answer back until it is kept; one too large, or none of success, is not kept.

    One that *streams* is let through; unless the run stands there that gives it, kept is where the
    same can be read (303).
    """

    def __init__(
        self, send: Send, keep: Callable[[Answer], Awaitable[None]], undertaking: Undertaking
    ) -> None:
        self.streams = False
        self._send = send
        self._keep = keep
        self._undertaking = undertaking
        self._held: list[Message] = []
        self._size = 0

    async def __call__(self, message: Message) -> None:
        place = _place_of_stream(message)
        if place is not None:
            if self._undertaking.run_id is None:
                await self._keep(Answer(status=303, headers=[(b"location", place)], body=b""))
            self.streams = True
        if self.streams:
            await self._send(message)
            return
        self._held.append(message)
        self._size += len(message.get("body", b""))  # type: ignore[arg-type]
        if self._size > ANSWER_MAX:
            await self.let_go()

    def answer(self) -> Answer | None:
        """Return what is to be kept, if the request succeeded."""
        if not self._held or self._held[0]["type"] != "http.response.start":
            return None
        start = self._held[0]
        if not 200 <= start["status"] < 300:
            return None
        body = b"".join(part.get("body", b"") for part in self._held[1:])  # type: ignore[misc]
        return Answer(status=start["status"], headers=list(start["headers"]), body=body)

    async def let_go(self) -> None:
        """Send what was held back."""
        held, self._held = self._held, []
        for message in held:
            await self._send(message)


def _place_of_stream(message: Message) -> bytes | None:
    """Return where else the events can be read that an answer begins to send."""
    if message["type"] != "http.response.start":
        return None
    headers = dict(message["headers"])
    is_stream = headers.get(b"content-type", b"").startswith(EVENT_STREAM.encode())
    return headers.get(b"content-location") if is_stream else None


def _is_repeatable(scope: HTTPScope) -> bool:
    return scope["method"] == "POST" and scope["route_handler"].opt.get(REPEATABLE, True)


def _who(scope: Scope) -> str:
    if scope.get("user"):
        user_id: str = scope["user"].user_id
        return user_id
    if scope["route_handler"].opt.get(PER_PATH):
        # Hashed, as the path of a hook is a secret.
        return sha256(scope["path"].encode(errors="surrogatepass")).hexdigest()
    return ANYBODY


def _fingerprint(request: Request[Any, Any, Any], body: bytes) -> str:
    told = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return sha256(told + body).hexdigest()
