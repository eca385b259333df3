"""A vendor of models that answers at once, in a process of its own: `python -m benchmarks.vendor`.

It speaks the wire format of OpenAI: to a chat without a result of a tool it answers with a call of
the first tool, to any other with ten words. It prints its port, then serves till it is killed.
"""

import asyncio
import json
from typing import Any

import uvloop

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_USAGE = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}


def event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
    """Return a piece of a streamed answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    made = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps({**made, 'choices': [choice], **more})}\n\n"


def _ended(text: str) -> bytes:
    used = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    text += f"data: {json.dumps({**used, 'choices': [], 'usage': _USAGE})}\n\ndata: [DONE]\n\n"
    body = text.encode()
    return _HEAD + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


_TEXT = _ended("".join(event({"content": f"word{n} "}) for n in range(10)) + event({}, "stop"))


def _calling(name: str) -> bytes:
    function = {"name": name, "arguments": '{"expression": "2 + 3"}'}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return _ended(event({"tool_calls": [call]}) + event({}, "tool_calls"))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the chats of one connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            asked = json.loads(await reader.readexactly(length))
            if any(message["role"] == "tool" for message in asked["messages"]):
                writer.write(_TEXT)
            else:
                writer.write(_calling(asked["tools"][0]["function"]["name"]))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve on a free port."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
