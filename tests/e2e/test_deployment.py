"""The examples of docs/deployment: read as they stand, and started with other places and ports."""

import asyncio
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from orbiter.entrypoints.loading import load
from orbiter.entrypoints.settings import DEFINITIONS
from support.commands import Server, at_work, environment
from support.counting import Counting
from support.operation import a_held_flow, begun, calling, ended, found
from support.serving import a_free_port

FOLDER: Final = Path(__file__).parents[2] / "docs" / "deployment"
UNITS: Final = ("orbiter.service", "orbiter-worker@.service")
COMPOSE: Final = "compose.yaml"
# The command of the environment that the tests run in.
ORBITER: Final = str(Path(sys.executable).with_name("orbiter"))


@dataclass(frozen=True)
class Service:
    """What an example starts, and how often."""

    command: Sequence[str]
    settings: Mapping[str, str]
    seconds_to_stop: int
    count: int = 2


def unit(name: str) -> Service:
    """Return the service of a systemd unit, its environment file as its comments have it."""
    stated: dict[str, str] = {}
    text = (FOLDER / name).read_text()
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            assert key not in stated or key == "After", f"{key} twice"
            stated[key] = value
    assert stated["EnvironmentFile"].startswith("/etc/")
    settings = dict(pair.split("=", 1) for pair in shlex.split(stated["Environment"]))
    assert settings["ORBITER_DATA_DIR"] == f"/var/lib/{stated['StateDirectory']}"
    seconds = int(stated["TimeoutStopSec"])
    return Service(shlex.split(stated["ExecStart"]), settings, seconds)


def composed() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / COMPOSE).read_text())
    return document


def services(example: str) -> list[Service]:
    """Return the server and the worker of an example."""
    if example == "systemd":
        return [unit(name) for name in UNITS]
    chosen = (composed()["services"][name] for name in ("server", "worker"))
    return [
        Service(
            shlex.split(each["command"]),
            each["environment"],
            int(each["stop_grace_period"].removesuffix("s")),
            each["deploy"]["replicas"],
        )
        for each in chosen
    ]


@contextmanager
def as_it_stands(service: Service, folder: Path, given: Mapping[str, str]) -> Iterator[Server]:
    """Start a service by its own command, in a place and at a port that are free here."""
    port = a_free_port()
    first, kind, *options = (str(port) if word == "8000" else word for word in service.command)
    assert Path(first).name == "orbiter"
    moved = {"ORBITER_DATA_DIR": str(folder)}
    known = {**environment(folder), **service.settings, **given, **moved}
    last_word = '"listening"' if kind == "serve" else '"executing"'
    with at_work([ORBITER, kind, *options], known, last_word) as started:
        yield Server(started.process, started.said, started.log, folder, port)


@pytest.mark.parametrize("name", [*UNITS, COMPOSE])
def test_every_setting_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"ORBITER_[A-Z_]+", (FOLDER / name).read_text()))
    assert named and named <= DEFINITIONS.keys()


@pytest.mark.parametrize("example", ["systemd", "compose"])
def test_what_is_set_is_understood_and_the_end_has_time(example: str) -> None:
    for service in services(example):
        filled = {
            name: re.sub(r"\$\{\w+:\?\}", "k" * 40, value)
            for name, value in service.settings.items()
        }
        loaded = load({"ORBITER_DATABASE_URL": "postgresql+asyncpg://u:p@h/d", **filled})
        assert not loaded.warnings
        assert loaded.settings.log.json
        assert service.seconds_to_stop > 2 * loaded.settings.shutdown_seconds


def test_compose_asks_for_what_it_tells_of_and_its_parts_fit_together() -> None:
    text, document = (FOLDER / COMPOSE).read_text(), composed()
    asked = set(re.findall(r"\$\{(\w+)", text))
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    assert asked == set(re.findall(r"(\w+)=…", head))
    database = document["services"]["database"]
    volume, _, _ = database["volumes"][0].partition(":")
    assert volume in document["volumes"]
    user = database["environment"]["POSTGRES_USER"]
    for name in ("server", "worker"):
        each = document["services"][name]
        (needed,) = each["depends_on"]
        assert "healthcheck" in document["services"][needed]
        url = each["environment"]["ORBITER_DATABASE_URL"]
        # The image makes a database of its user's name.
        assert url.partition("//")[2] == f"{user}:${{POSTGRES_PASSWORD:?}}@{needed}/{user}"
    assert document["services"]["server"]["expose"] == ["8000"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_the_units(name: str, tmp_path: Path) -> None:
    text = (FOLDER / name).read_text().replace("/opt/orbiter/.venv/bin/orbiter", sys.executable)
    path = tmp_path / name.replace("@.", "@1.")
    path.write_text(text)
    verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(path)]
    verified = subprocess.run(verify, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("example", ["systemd", "compose"])
async def test_what_one_server_accepts_the_workers_execute_and_the_other_server_shows(
    example: str, postgresql_url: str, tmp_path: Path, service: Counting
) -> None:
    given = {
        "ORBITER_DATABASE_URL": postgresql_url,
        "ORBITER_SECRET_KEY": "k" * 40,
        "ORBITER_EGRESS_ALLOW": "127.0.0.1",
    }
    server, worker = services(example)
    async with AsyncExitStack() as stack:
        servers = [
            stack.enter_context(as_it_stands(server, tmp_path / f"server-{number}", given))
            for number in range(server.count)
        ]
        workers = [
            stack.enter_context(as_it_stands(worker, tmp_path / f"worker-{number}", given))
            for number in range(worker.count)
        ]
        one, two = [await stack.enter_async_context(calling(each)) for each in servers]
        run = await begun(one, await a_held_flow(one, service))
        await asyncio.to_thread(service.until, "/held", 1)
        assert len(await found(postgresql_url, "SELECT id FROM executors")) == worker.count
        service.released = True
        assert (await ended(two, run))["status"] == "completed"
        for each in (*servers, *workers):
            each.process.send_signal(signal.SIGTERM)
        assert {each.process.wait(20) for each in (*servers, *workers)} == {0}
