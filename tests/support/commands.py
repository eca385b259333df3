"""`orbiter` as an operator starts it: commands run to their end, and a server at work."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from support.serving import a_free_port

COMMAND = [sys.executable, "-c", "from orbiter.entrypoints.cli import main; main()"]

# What `orbiter worker` does, with the interpreter of a build to come.
_WORKER_TO_COME = """
import asyncio, os, sys
from orbiter.entrypoints import worker
from orbiter.entrypoints.container import Container, running
from orbiter.entrypoints.settings import load
loaded = load(os.environ)
container = Container(settings=loaded.settings)
container.engine.add_kwargs(interpreter=int(sys.argv[1]))
asyncio.run(worker.work(running(container), loaded))
"""


def environment(folder: Path, **settings: object) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ORBITER_")}
    given = {f"ORBITER_{name}": str(value) for name, value in settings.items()}
    return clean | {"ORBITER_DATA_DIR": str(folder)} | given


def orbiter(
    *arguments: str, folder: Path, typed: str = "", **settings: object
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(folder, **settings),
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
    )


@dataclass
class Server:
    """A server at work; *said* is what it had to say once it was ready."""

    process: subprocess.Popen[str]
    folder: Path
    port: int
    said: str

    def ask(self, method: str, path: str, body: Any = None) -> int:
        """Return the status of the answer to a request."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            headers = {"content-type": "application/json"}
            connection.request(method, path, json.dumps(body), headers)
            return connection.getresponse().status


@contextmanager
def serving(folder: Path, *, last_word: str = "  mails", **settings: object) -> Iterator[Server]:
    """Run a server till the block ends; *last_word* is what it says when it is ready."""
    port = a_free_port()
    with _at_work(*COMMAND, "serve", "--port", str(port), folder=folder, **settings) as process:
        yield Server(process, folder, port, _heard(process, last_word))


@contextmanager
def working(
    folder: Path, *, interpreter: int | None = None, **settings: object
) -> Iterator["subprocess.Popen[str]"]:
    """Run a worker till the block ends; with another *interpreter* than this build's if given."""
    command = [*COMMAND, "worker"]
    if interpreter is not None:
        command = [sys.executable, "-c", _WORKER_TO_COME, str(interpreter)]
    with _at_work(*command, folder=folder, **settings) as process:
        _heard(process, "  database")
        yield process


@contextmanager
def _at_work(*command: str, folder: Path, **settings: object) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        command,
        env=environment(folder, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _heard(process: "subprocess.Popen[str]", last_word: str) -> str:
    assert process.stdout is not None
    said = ""
    while last_word not in said:
        line = process.stdout.readline()
        assert line, f"it ended, saying: {said}"
        said += line
    return said
