"""Logs as an operator reads them: the lines a process has written to stderr."""

import json
import signal
import subprocess
import sys
from textwrap import dedent
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.telemetry.logging import mask_secrets

STYLES = pytest.mark.parametrize("as_json", [True, False])


def logged(script: str, *, as_json: bool, level: str = "info") -> list[str]:
    """Return the lines that a process with logging writes while it runs *script*."""
    ran = subprocess.run(
        [sys.executable, "-c", _program(script, as_json=as_json, level=level)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == ""
    return ran.stderr.splitlines()


def events(script: str, *, level: str = "info") -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged(script, as_json=True, level=level)]


def _program(script: str, *, as_json: bool, level: str) -> str:
    start = f"""
        import logging, os, signal, structlog
        from orbiter.adapters.telemetry.logging import configure_logging
        log = structlog.get_logger("orbiter.test")
        configure_logging(json={as_json}, level={level!r})
    """
    return dedent(start) + dedent(script)


def test_an_event_is_one_object_with_the_request_it_belongs_to() -> None:
    script = """
        with structlog.contextvars.bound_contextvars(request_id="r1"):
            log.info("request", path="/a\\nb", status=200)
        log.info("after")
    """
    first, second = events(script)
    assert (first["event"], first["path"], first["status"]) == ("request", "/a\nb", 200)
    assert (first["request_id"], first["level"]) == ("r1", "info")
    assert first["logger"] == "orbiter.test"
    assert first["timestamp"].endswith("Z")
    assert "request_id" not in second


def test_the_standard_library_s_logging_goes_the_same_way() -> None:
    script = """
        with structlog.contextvars.bound_contextvars(request_id="r1"):
            logging.getLogger("alembic.runtime").info("Running upgrade %s", "0001")
        import warnings; warnings.warn("old")
    """
    first, second = events(script)
    assert (first["event"], first["logger"]) == ("Running upgrade 0001", "alembic.runtime")
    assert first["request_id"] == "r1"
    assert (second["level"], second["logger"]) == ("warning", "py.warnings")


def test_a_level_lets_through_what_is_as_grave() -> None:
    script = """
        for name in ("debug", "info", "warning", "error"):
            getattr(log, name)(name)
            getattr(logging.getLogger("library"), name)(name)
    """
    assert [event["event"] for event in events(script, level="warning")] == [
        *["warning"] * 2,
        *["error"] * 2,
    ]
    assert len(events(script, level="debug")) == 8


def test_libraries_that_tell_urls_and_statements_do_so_at_no_level() -> None:
    script = """
        for name in ("httpx2", "httpcore2.http11", "sqlalchemy.engine.Engine", "uvicorn.error"):
            logging.getLogger(name).info("GET https://ada:s3cret@example.org")
            logging.getLogger(name).error("kept")
    """
    assert {event["event"] for event in events(script, level="debug")} == {"kept"}


@STYLES
def test_secrets_are_masked_however_deep(as_json: bool) -> None:
    script = """
        log.info("x", password="s3cret", api_key_id="id-1", headers={
            "Authorization": "Bearer s3cret", "set-cookie": "s3cret", "list": [{"token": "s3cret"}],
        })
    """
    (line,) = logged(script, as_json=as_json)
    assert "s3cret" not in line
    assert "id-1" in line


@STYLES
def test_a_traceback_shows_no_values_of_variables(as_json: bool) -> None:
    script = """
        def fail(password):
            raise LookupError("gone")
        for tell in (log, logging.getLogger("uvicorn.error")):
            try:
                fail("".join(["s3", "cret"]))
            except LookupError:
                tell.exception("failed")
    """
    text = "\n".join(logged(script, as_json=as_json))
    assert text.count("LookupError: gone") == 2
    assert "s3cret" not in text


@STYLES
def test_nobody_can_forge_a_line(as_json: bool) -> None:
    script = r"""
        log.info("a\nforged", path="b\r\nforged\x1b[31m", other="\ud800")
        logging.getLogger("x").info("c\nforged")
    """
    lines = logged(script, as_json=as_json)
    assert len(lines) == 2
    assert not any("\x1b" in line for line in lines)


@STYLES
def test_what_can_not_be_written_as_it_is_does_not_break_the_work(as_json: bool) -> None:
    script = """
        log.info("odd", thing=object(), keys={(1, 2): 3}, raw=b"bytes")
        log.info("after")
    """
    assert len(logged(script, as_json=as_json)) == 2


def test_a_killed_process_has_told_all_it_did() -> None:
    script = """
        for number in range(100):
            log.info("did", number=number)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    program = _program(script, as_json=True, level="info")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == -signal.SIGKILL
    assert [json.loads(line)["number"] for line in ran.stderr.splitlines()] == list(range(100))


def test_work_goes_on_when_nobody_reads_the_logs() -> None:
    script = """
        reader, writer = os.pipe()
        os.close(reader)
        configure_logging(json=True, level="info", file=os.fdopen(writer, "w"))
        structlog.get_logger("other").info("lost")
        logging.getLogger("library").warning("lost too")
        os._exit(7)
    """
    program = _program(script, as_json=True, level="info")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert ran.returncode == 7


keys = st.sampled_from(["password", "X-Api-Key", "Cookie", "invite_token", "secret_keys", "KEY"])
harmless = st.sampled_from(["event", "api_key_id", "path", "token_count", "keyboard"])
trees = st.recursive(
    st.dictionaries(keys, st.just("s3cret")) | st.dictionaries(harmless, st.integers()),
    lambda inner: st.lists(inner) | st.dictionaries(harmless, inner),
)


@given(st.dictionaries(harmless, trees))
def test_whatever_the_shape_no_secret_passes_and_nothing_else_is_lost(
    event: dict[str, Any],
) -> None:
    masked = mask_secrets(structlog.get_logger(), "info", dict(event))
    assert "s3cret" not in str(masked)
    assert str(masked) == str(event).replace("s3cret", "***")
