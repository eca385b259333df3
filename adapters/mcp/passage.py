"""How requests of the SDK get through: by the guarded client, and no more of them than needed."""

from collections.abc import AsyncIterator
from typing import Final

import httpx2

# Nobody waits long for a server to hear that it may forget a session.
FAREWELL_SECONDS: Final = 0.5
_METHOD_NOT_ALLOWED: Final = 405


class Passage(httpx2.AsyncBaseTransport):
    """Hand requests on to *client*, which is shared and stays open.

    The SDK does not tell what became of the last answer to a message. *refusal* is its status, if
    it is one from 400 on; *broken* is why it could not be read to its end, if it could not.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self.refusal: int | None = None
        self.broken: Exception | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer, its body still to be read."""
        if request.method == "GET" and "last-event-id" not in request.headers:
            # What servers say unasked is not listened to.
            return httpx2.Response(_METHOD_NOT_ALLOWED)
        if request.method == "DELETE":
            request.extensions["timeout"] = httpx2.Timeout(FAREWELL_SECONDS).as_dict()
            return await self._client.send(request, stream=True)
        self.refusal = self.broken = None
        response = await self._client.send(request, stream=True)
        self.refusal = response.status_code if response.status_code >= 400 else None
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Watched(response.stream, self)
        return response


class _Watched(httpx2.AsyncByteStream):
    """The body of an answer, whose failure its passage gets to know."""

    def __init__(self, stream: httpx2.AsyncByteStream, passage: Passage) -> None:
        self._stream = stream
        self._passage = passage

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except Exception as failure:
            self._passage.broken = failure
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()
