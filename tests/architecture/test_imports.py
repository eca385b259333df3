"""What is imported for what: nobody waits for what he does not use."""

import subprocess
import sys

HEAVY = {
    "alembic",
    "anthropic",
    "argon2",
    "genai_prices",
    "httpx2",
    "litestar",
    "mcp",
    "minijinja",
    "openai",
    "pydantic_monty",
    "sqlalchemy",
    "uvicorn",
}


def imported_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*{{each.partition('.')[0] for each in sys.modules}})"
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_the_core_is_the_standard_library_and_itself() -> None:
    others = imported_by("orbiter.application.facade") - sys.stdlib_module_names - {"orbiter"}
    assert {each for each in others if not each.startswith(("_", "sitecustomize"))} == set()


def test_a_core_in_memory_needs_neither_sql_nor_http() -> None:
    heavy = HEAVY - {"argon2", "minijinja"}
    assert imported_by("orbiter.entrypoints.embed") & heavy == set()
