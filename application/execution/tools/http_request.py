"""`http_request`: a request that a model asks for."""

import json
from typing import Any, Final

from orbiter.application.execution.http_answer import output_of
from orbiter.application.execution.http_request import TIMEOUT_SECONDS, request_of
from orbiter.application.execution.tools.tool_run import ToolRun

BODY_MAX: Final = 100_000


async def http_request(run: ToolRun) -> Any:
    """Return `{status, headers, body}`, whatever the status.

    A body of more than 100,000 characters is cut, and `truncated` is there then.
    """
    request = request_of(run.arguments, key=run.key, timeout_seconds=TIMEOUT_SECONDS)
    output = output_of(await run.world.http.send(request))
    # Half a secret would not be recognised any more.
    body = run.secrets.redacted(output["body"])
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    if len(text) <= BODY_MAX:
        return output
    return {**output, "body": text[:BODY_MAX], "truncated": True}
