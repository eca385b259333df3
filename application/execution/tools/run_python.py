"""`run_python`: a script that a model wrote, in the sandbox."""

from collections.abc import Mapping, Sequence
from typing import Any

from orbiter.application.ports.sandbox import Sandbox


async def run_python(
    sandbox: Sandbox, arguments: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Sequence[str]]:
    """Return `{result, stdout}` of the script `code`, which sees `inputs` as names; and its logs.

    *result* is the value of its last expression. Raise SandboxError, with what was printed until
    then in its *stdout*.
    """
    done = await sandbox.run(arguments["code"], arguments.get("inputs") or {})
    return {"result": done.value, "stdout": done.stdout}, done.stdout.splitlines()
