"""`orbiter` as an operator starts it: commands run to their end, and a server at work."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TextIO, cast

from support.serving import a_free_port

COMMAND = [sys.executable, "-c", "from orbiter.entrypoints.cli import main; main()"]

# What `orbiter worker` does, with the interpreter of a build to come.
_WORKER_TO_COME = """
import asyncio, os, sys
from orbiter.entrypoints import worker
from orbiter.entrypoints.container import Container
from orbiter.entrypoints.lifecycle import running
from orbiter.entrypoints.loading import load
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
class Process:
    """A process at work; *said* is what it had to say once it was ready, *log* goes on there."""

    process: "subprocess.Popen[str]"
    said: str
    log: TextIO


@dataclass
class Server(Process):
    """A server at work."""

    folder: Path
    port: int

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
    command, known = [*COMMAND, "serve", "--port", str(port)], environment(folder, **settings)
    with at_work(command, known, last_word) as started:
        yield Server(started.process, started.said, started.log, folder, port)


@contextmanager
def working(
    folder: Path, *, interpreter: int | None = None, **settings: object
) -> Iterator["subprocess.Popen[str]"]:
    """Run a worker till the block ends; with another *interpreter* than this build's if given."""
    command = [*COMMAND, "worker"]
    if interpreter is not None:
        command = [sys.executable, "-c", _WORKER_TO_COME, str(interpreter)]
    with at_work(command, environment(folder, **settings), "  database") as started:
        yield started.process


@contextmanager
def at_work(
    command: Sequence[str], environment: Mapping[str, str], last_word: str
) -> Iterator[Process]:
    """Run a process till the block ends; *last_word* is what it says when it is ready."""
    # A file holds as much as is said; a pipe that nobody reads would stop the process.
    with NamedTemporaryFile("r") as log, open(log.name, "w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield Process(process, _heard(process, cast(TextIO, log), last_word), cast(TextIO, log))
        finally:
            process.kill()
            process.wait()


def _heard(process: "subprocess.Popen[str]", log: TextIO, last_word: str) -> str:
    said = ""
    while last_word not in said or not said.endswith("\n"):
        over = process.poll() is not None
        said += log.read()
        assert not over or last_word in said, f"it ended, saying: {said}"
        time.sleep(0.01)
    return said
