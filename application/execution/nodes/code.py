"""`code`: Python of the user's, run in the sandbox."""

from typing import Any

from orbiter.application.execution.outcome import NodeFailed, Outcome, message_without
from orbiter.application.execution.visit import Visit
from orbiter.application.ports.sandbox import SandboxError
from orbiter.domain.code import MAIN, argument_of_main


async def behave(visit: Visit) -> Outcome:
    """Give what `main(inputs)` of the code returns; fail with the sandbox's code.

    What it prints goes to the step's logs.
    """
    visit.input = {"inputs": visit.config.get("inputs")}
    inputs = visit.render(visit.config.get("inputs") or {})
    visit.input = {"inputs": inputs}
    code, secrets = visit.config["code"], visit.secrets

    async def call() -> Any:
        try:
            result = await visit.world.sandbox.call(code, MAIN, {argument_of_main(code): inputs})
        except SandboxError as error:
            # Recorded as a value, so that what was printed before it is recorded too.
            failure = {"code": error.code, "message": message_without(secrets, error.message)}
            return {"failure": failure, "stdout": secrets.told(error.stdout)}
        return {"value": secrets.redacted(result.value), "stdout": secrets.told(result.stdout)}

    done = await visit.perform(call, own=True)
    visit.logs.extend(done["stdout"].splitlines())
    if failure := done.get("failure"):
        raise NodeFailed(failure["code"], failure["message"])
    return Outcome(done["value"])
