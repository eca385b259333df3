"""Remote servers: how they may be set, and what their tools are called here."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.remote_servers import local_name, server_problems
from orbiter.domain.tools import name_problems

NAMES = st.text(max_size=70) | st.sampled_from(["add", "add_2", "shop_add", "", "ä", "a b"])


@given(remote=NAMES, server=st.from_regex(r"\A[a-zA-Z0-9_-]{1,64}\Z"), taken=st.sets(NAMES))
def test_a_name_here_is_fit_and_free(remote: str, server: str, taken: set[str]) -> None:
    name = local_name(remote, server, taken)
    assert name not in taken and not [*name_problems(name)]


@pytest.mark.parametrize(
    ("remote", "taken", "name"),
    [
        ("look.up order", (), "look_up_order"),
        ("add", {"add"}, "shop_add"),
        ("add", {"add", "shop_add"}, "shop_add_2"),
        ("add", {"add", "shop_add", "shop_add_2"}, "shop_add_3"),
        ("…", (), "tool"),
    ],
)
def test_it_is_as_close_to_the_servers_as_can_be(remote: str, taken: set[str], name: str) -> None:
    assert local_name(remote, "shop", taken) == name


@pytest.mark.parametrize(
    "config",
    [
        {"url": "https://mcp.test/mcp"},
        {"url": "http://mcp.test:8000/mcp?mode=read&a=b"},
        {"url": "https://mcp.test", "headers": {"authorization": "Bearer {{ secrets.MCP }}"}},
        {"url": "https://mcp.test", "headers": {"X-Toolsets": "repos,issues"}},
    ],
)
def test_sound_settings_are_taken(config: dict[str, Any]) -> None:
    assert not [*server_problems(config)]


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"url": "mcp.test"}, "config.url"),
        ({"url": "file:///etc/passwd"}, "config.url"),
        ({"url": "https://user:pass@mcp.test"}, "config.url"),
        ({"url": "https://mcp.test/{{ secrets.MCP }}"}, "config.url"),
        ({"url": "https://mcp.test/?k={{secrets.MCP}}"}, "config.url"),
        ({"url": "https://mcp.test/?a b"}, "config.url"),
        ({"url": "https://mcp.test/#a"}, "config.url"),
        ({"url": "https://mcp.test", "tool": "add"}, "config.tool"),
        ({"url": "https://mcp.test", "server_id": "x"}, "config.server_id"),
        ({"url": "https://mcp.test", "headers": {"Authorization": "Bearer x"}}, "Authorization"),
        ({"url": "https://mcp.test", "headers": {"X-Api-Key": "x"}}, "X-Api-Key"),
        ({"url": "https://mcp.test", "headers": {"Cookie": "a=b"}}, "Cookie"),
        ({"url": "https://mcp.test", "headers": {"Host": "internal"}}, "Host"),
        ({"url": "https://mcp.test", "headers": {"a b": "x"}}, "a b"),
        ({"url": "https://mcp.test", "headers": {"x": "a\nb"}}, "x"),
        ({"url": "https://mcp.test", "headers": {f"x{at}": "" for at in range(51)}}, "headers"),
    ],
)
def test_what_is_wrong_is_told(config: dict[str, Any], field: str) -> None:
    (problem,) = server_problems(config)
    assert problem.field.endswith(field)
    assert "Bearer x" not in problem.message
