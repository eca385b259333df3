"""The command line, as processes that an operator starts."""

import json
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orbiter.entrypoints.settings import DEFINITIONS
from support.commands import Server, orbiter, serving
from support.serving import a_free_port

PASSWORD = "correct horse battery"
ADA = ("users", "create", "--email", "ada@example.org", "--role", "admin")


def refusal(*arguments: str, folder: Path, **settings: Any) -> tuple[int, list[str]]:
    """Return the exit code and the lines of a command that says why it does nothing."""
    ran = orbiter(*arguments, folder=folder, **settings)
    assert ran.stdout == ""
    return ran.returncode, [line for line in ran.stderr.splitlines() if "[alembic" not in line]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("orbiter") / "data"
    with serving(folder, last_word="  mails", PORT="x", LOG="console:warning", PROT=1) as server:
        yield server


def test_a_server_says_where_it_is_and_where_its_data_are(server: Server) -> None:
    assert f"http://127.0.0.1:{server.port}/docs" in server.said
    assert str(server.folder) in server.said
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    assert server.ask("GET", "/health/ready") == 200
    assert server.ask("GET", "/docs") == 200


def test_a_name_that_means_nothing_is_warned_of(server: Server) -> None:
    assert "ORBITER_PROT is no setting of Orbiter" in server.said


def test_a_user_made_by_hand_can_sign_in_at_once(server: Server) -> None:
    made = orbiter(*ADA, folder=server.folder, typed=f"{PASSWORD}\n")
    assert made.returncode == 0
    assert "ada@example.org is admin" in made.stdout
    login = {"email": "ada@example.org", "password": PASSWORD}
    assert server.ask("POST", "/api/v1/auth/login", login) == 200
    again = refusal(*ADA, "--password", PASSWORD, folder=server.folder)
    assert again == (1, ["A user with this email already exists"])


def test_a_second_server_on_the_same_data_is_refused(server: Server) -> None:
    code, lines = refusal("serve", folder=server.folder, PORT=a_free_port())
    assert (code, lines) == (1, [f"Another Orbiter is at work on {server.folder}/orbiter.db"])
    assert server.ask("GET", "/health/ready") == 200


def test_a_second_server_on_the_same_file_is_refused_whatever_its_data_folder(
    server: Server, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{server.folder}/orbiter.db"
    code, lines = refusal("serve", folder=tmp_path, PORT=a_free_port(), DATABASE_URL=url)
    assert (code, lines) == (1, [f"Another Orbiter is at work on {server.folder}/orbiter.db"])


def test_a_taken_port_is_told(server: Server, tmp_path: Path) -> None:
    code, lines = refusal("serve", folder=tmp_path, PORT=server.port)
    assert code == 1
    assert lines == [f"Can't listen on 127.0.0.1, port {server.port}: Address already in use"]


def test_where_logs_are_json_all_is_and_the_end_is_an_orderly_one(tmp_path: Path) -> None:
    with serving(tmp_path, last_word='"listening"', LOG="json") as server:
        events = [json.loads(line) for line in server.said.splitlines()]
        assert events[-1]["url"] == f"http://127.0.0.1:{server.port}"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        assert all(json.loads(line) for line in server.log)


def test_settings_are_shown_with_their_origin_and_without_secrets(tmp_path: Path) -> None:
    shown = orbiter("settings", folder=tmp_path / "none", SECRET_KEY="k" * 32, PROT=1)
    lines = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines()}
    assert lines.keys() == DEFINITIONS.keys()
    assert lines["ORBITER_SECRET_KEY"] == ["environment", "***"]
    assert lines["ORBITER_PORT"] == ["default", "8000"]
    assert "ORBITER_PROT" in shown.stderr
    assert not (tmp_path / "none").exists()


def test_every_wrong_setting_is_one_line(tmp_path: Path) -> None:
    code, lines = refusal("serve", "--log", "loud", folder=tmp_path, PORT="x")
    assert code == 2
    assert [line.partition(":")[0] for line in lines] == ["ORBITER_PORT", "ORBITER_LOG"]


def test_an_option_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    code, lines = refusal("serve", "--prot", "1", folder=tmp_path)
    assert code == 2
    assert "--port" in "".join(lines)


def test_a_data_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, lines = refusal("serve", folder=tmp_path / "file")
    assert code == 1
    assert lines == [f"ORBITER_DATA_DIR: {tmp_path / 'file'} can't be written: File exists"]


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://ada:s3cret@127.0.0.1:{a_free_port()}/orbiter"
    code, (line,) = refusal("serve", folder=tmp_path, DATABASE_URL=url, PORT=a_free_port())
    assert code == 1
    assert line.startswith("The database does not answer: ")
    assert "s3cret" not in line


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "orbiter.db").write_bytes(b"no database" * 1000)
    code, (line,) = refusal("migrate", folder=tmp_path)
    assert code == 1
    assert line.endswith("file is not a database")


def test_the_schema_can_be_brought_up_to_date_twice(tmp_path: Path) -> None:
    for _ in range(2):
        ran = orbiter("migrate", folder=tmp_path)
        assert ran.returncode == 0
        assert ran.stdout.startswith("The schema is up to date: sqlite+aiosqlite:///")


def test_every_wrong_field_of_a_user_is_one_line_and_nothing_is_made(tmp_path: Path) -> None:
    arguments = ("users", "create", "--email", "ada", "--role", "viewer", "--password", "short")
    code, lines = refusal(*arguments, folder=tmp_path)
    assert code == 1
    assert [line.partition(":")[0] for line in lines] == ["email", "password"]
    assert refusal(*ADA[:3], "a@b.org", "--role", "king", folder=tmp_path)[0] == 2


def test_the_api_is_described_without_a_server(tmp_path: Path) -> None:
    described = json.loads(orbiter("openapi", folder=tmp_path / "none").stdout)
    assert described["openapi"].startswith("3.1")
    assert "/api/v1/workflows/{workflow_id}/run" in described["paths"]
    assert not (tmp_path / "none").exists()
