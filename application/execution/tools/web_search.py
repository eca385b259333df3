"""`web_search`: what a search engine finds."""

from typing import Any

from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.tools.tool_run import ToolRun
from orbiter.application.ports.search import SearchError


async def web_search(run: ToolRun) -> Any:
    """Return `{results: [{title, url, snippet}]}`; fail with the search's code."""
    try:
        found = await run.world.search.search(run.arguments["query"], limit=run.arguments["limit"])
    except SearchError as error:
        raise NodeFailed(error.code, error.message) from None
    return {
        "results": [
            {"title": each.title, "url": each.url, "snippet": each.snippet} for each in found
        ]
    }
