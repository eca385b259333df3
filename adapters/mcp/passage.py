"""How requests of the SDK get through: by the guarded client, and no more of them than needed."""

from typing import Final

import httpx2

# Nobody waits long for a server to hear that it may forget a session.
FAREWELL_SECONDS: Final = 0.5
_METHOD_NOT_ALLOWED: Final = 405


class Passage(httpx2.AsyncBaseTransport):
    """Hand requests on to *client*, which is shared and stays open.

    *refusal* is the last answer's status, if it is one from 400 on: the SDK does not tell it.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self.refusal: int | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer, its body still to be read."""
        if request.method == "GET" and "last-event-id" not in request.headers:
            # What servers say unasked is not listened to.
            return httpx2.Response(_METHOD_NOT_ALLOWED)
        if request.method == "DELETE":
            request.extensions["timeout"] = httpx2.Timeout(FAREWELL_SECONDS).as_dict()
        response = await self._client.send(request, stream=True)
        self.refusal = response.status_code if response.status_code >= 400 else None
        return response
