"""The command line: `orbiter serve`, `worker`, `migrate`, `users`, `secrets`, `settings`, …"""

import asyncio
import getpass
import json
import os
import sys
from collections.abc import Coroutine, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn, TypedDict, TypeVar

import structlog
import uvloop
from cyclopts import App, Parameter

from orbiter.adapters.telemetry.logging import configure_logging
from orbiter.domain.errors import Invalid, OrbiterError, Unavailable
from orbiter.domain.identity import Role
from orbiter.domain.users import User
from orbiter.entrypoints import serving, worker
from orbiter.entrypoints.announcement import announce
from orbiter.entrypoints.data_folder import DataFolderUnusable, make_writable
from orbiter.entrypoints.loading import Loaded, WrongSettings, load
from orbiter.entrypoints.settings import DEFINITIONS, PREFIX, Settings

if TYPE_CHECKING:
    from orbiter.adapters.sql.rotation import Rotation

T = TypeVar("T")

REFUSED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130
log = structlog.get_logger("orbiter")

# What a setting is called on the command line follows from the table of settings.
if TYPE_CHECKING:
    Options = dict[str, str]
else:
    Options = TypedDict(
        "Options",
        {
            name.removeprefix(PREFIX).lower(): Annotated[
                str, Parameter(help=f"{known.meaning} [{known.default}]")
            ]
            for name, known in DEFINITIONS.items()
        },
        total=False,
    )

app = App(
    name="orbiter",
    help="Build, run, deploy and watch AI agents and workflows behind one REST API.",
    version=lambda: version("orbiter"),
)
users = App(name="users", help="Manage users.")
app.command(users)
secrets = App(name="secrets", help="Manage what is kept encrypted.")
app.command(secrets)


def main() -> None:
    """Run the command line; what is refused is told in lines on stderr and by the exit code."""
    try:
        app()
    except WrongSettings as refusal:
        _refuse(*refusal.problems, code=MISUSED)
    except Invalid as refusal:
        _refuse(*(f"{problem.field}: {problem.message}" for problem in refusal.problems))
    except Unavailable as refusal:
        _refuse(_with_reason(refusal))
    except OrbiterError as refusal:
        _refuse(refusal.message)
    except (serving.CannotListen, DataFolderUnusable, worker.NotShared) as refusal:
        _refuse(str(refusal))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has had enough; nor can the rest be flushed at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(REFUSED)
    except OSError as refusal:
        _refuse(str(refusal))


@app.command
def serve(*, options: Annotated[Options | None, Parameter(name="*")] = None) -> None:
    """Serve the API until SIGINT or SIGTERM.

    Each option is an environment variable too: ORBITER_PORT for --port.
    """
    loaded = _loaded(options)
    settings = loaded.settings
    # Imported where it is used, here and below: help and settings are there at once.
    from orbiter.entrypoints.container import Container
    from orbiter.entrypoints.lifecycle import started

    container = Container(settings=settings)
    told, let_go = lambda: announce(loaded), container.feed().close
    _run(serving.serve(started(container), settings, told, let_go))


@app.command(name="worker")
def execute(*, options: Annotated[Options | None, Parameter(name="*")] = None) -> None:
    """Execute runs, without HTTP, until SIGINT or SIGTERM; beside others, on PostgreSQL alone.

    Each option is an environment variable too: ORBITER_RUN_CONCURRENCY for --run-concurrency.
    """
    loaded = _loaded({**(options or {}), "execute": "on"})
    worker.require_shared(loaded)
    from orbiter.entrypoints.container import Container
    from orbiter.entrypoints.lifecycle import running

    _run(worker.work(running(Container(settings=loaded.settings)), loaded))


@app.command
def migrate() -> None:
    """Bring the database's schema up to date, as `serve` does at its start."""
    loaded = _loaded()
    from orbiter.adapters.sql.schema import migrate

    _run(migrate(loaded.settings.storage_url))
    print(f"The schema is up to date: {loaded.shown('ORBITER_DATABASE_URL')}")


@users.command
def create(
    *,
    email: str,
    role: Literal["viewer", "developer", "admin"],
    password: str | None = None,
    name: str | None = None,
) -> None:
    """Make a user of the oldest workspace, or of a first one.

    Parameters
    ----------
    email
        What the user signs in with.
    role
        What the user may do.
    password
        Asked for, or read from standard input, unless given.
    name
        The name that others see.
    """
    settings = _loaded().settings
    given = _password() if password is None else password
    user = _run(_created(settings, email=email, password=given, role=Role(role), name=name))
    print(f"{user.email} is {user.role} of the workspace {user.workspace_id}")


@secrets.command
def rotate() -> None:
    """Encrypt again what another key than the first of ORBITER_SECRET_KEY has encrypted.

    Then the others may be dropped. Servers with the same first key may go on meanwhile; the command
    may be interrupted, and repeated.
    """
    rotations = _run(_rotated(_loaded().settings))
    for each in rotations:
        print(f"{each.table}: {each.rotated} encrypted again, {each.fresh} already were")
    unreadable = sum(each.unreadable for each in rotations)
    if unreadable:
        _refuse(f"{unreadable} can't be decrypted with any key and were left as they are")


@app.command(name="settings")
def show_settings() -> None:
    """Print each setting with its value and where that came from."""
    loaded = load(os.environ)
    for warning in loaded.warnings:
        print(warning, file=sys.stderr)
    width = max(map(len, DEFINITIONS))
    for name in DEFINITIONS:
        print(f"{name:{width}}  {loaded.given[name].origin:11}  {loaded.shown(name)}".rstrip())


@app.command
def openapi() -> None:
    """Print the description of the API: OpenAPI 3.1, JSON."""
    from orbiter.adapters.http.app import routes_within
    from orbiter.adapters.http.documentation.description import describe
    from orbiter.entrypoints.container import in_memory

    print(json.dumps(describe(routes_within(in_memory().app())), indent=2))


async def _created(settings: Settings, **user: Any) -> User:
    from orbiter.adapters.sql.schema import migrate
    from orbiter.entrypoints.container import Container

    container = Container(settings=settings)
    await migrate(settings.storage_url)
    try:
        # Without starting the engine: a server may be at work on the same database.
        return await container.core().accounts.create(**user)
    finally:
        await container.storage().close()
        container.passwords().close()


async def _rotated(settings: Settings) -> "Sequence[Rotation]":
    from orbiter.adapters.sql.rotation import rotate
    from orbiter.adapters.sql.schema import migrate
    from orbiter.entrypoints.container import Container

    container = Container(settings=settings)
    await migrate(settings.storage_url)
    try:
        return await rotate(container.database(), container.cipher())
    finally:
        await container.database().close()


def _loaded(options: Options | None = None) -> Loaded:
    given = {f"{PREFIX}{name.upper()}": value for name, value in (options or {}).items()}
    loaded = load(os.environ, given)
    configure_logging(json=loaded.settings.log.json, level=loaded.settings.log.level)
    for warning in loaded.warnings:
        log.warning(warning)
    make_writable(loaded.settings.data_dir)
    return loaded


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        _refuse("The passwords differ")
    return password


def _with_reason(refusal: Unavailable) -> str:
    """Say what lies behind, too: it is the operator who reads this."""
    cause = refusal.__cause__
    reason = str(getattr(cause, "orig", None) or cause or "").partition("\n")[0]
    return f"{refusal.message}: {reason}" if reason else refusal.message


def _refuse(*lines: str, code: int = REFUSED) -> NoReturn:
    for line in lines:
        print(line, file=sys.stderr)
    sys.exit(code)
