"""A workspace's people, and the servers and clocks around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class SmtpServer:
    """What a mail server was told; *refuses* makes it reject every recipient."""

    refuses: bool = False
    port: int = 0
    said: list[str] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak the server's side of RFC 5321, without extensions but AUTH."""
        writer.write(b"220 mail.test\r\n")
        while line := (await reader.readline()).decode().rstrip():
            self.said.append(line)
            if line == "DATA":
                writer.write(b"354 go on\r\n")
                self.received.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(self._answer(line.partition(" ")[0].upper()))
            await writer.drain()
            if line == "QUIT":
                break
        writer.close()
        await writer.wait_closed()

    def _answer(self, command: str) -> bytes:
        if command == "RCPT" and self.refuses:
            return b"550 nobody here\r\n"
        answers = {
            "EHLO": b"250-mail.test\r\n250 AUTH PLAIN\r\n",
            "AUTH": b"235 welcome\r\n",
            "QUIT": b"221 bye\r\n",
        }
        return answers.get(command, b"250 fine\r\n")


@asynccontextmanager
async def smtp_server(*, refuses: bool = False) -> AsyncIterator[SmtpServer]:
    """Listen on a loopback port."""
    state = SmtpServer(refuses=refuses)
    async with await asyncio.start_server(state.converse, "127.0.0.1", 0) as server:
        state.port = server.sockets[0].getsockname()[1]
        yield state
