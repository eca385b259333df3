"""The gateway: whom it asks, what it imports when, how it ends."""

import subprocess
import sys

import pytest

from orbiter.adapters.models.gateway import ADAPTERS, VendorModels
from orbiter.application.ports.models import (
    ChatMessage,
    ChatRequest,
    ChatRole,
    Endpoint,
    ModelError,
)
from orbiter.domain.providers import ProviderType
from support.outbound import serving
from support.vendors import openai
from support.vendors.serving import a_gateway

REQUEST = ChatRequest(model="echo", messages=[ChatMessage(role=ChatRole.USER, content="hello")])
ECHO = Endpoint(provider_type=ProviderType.ECHO)
ASK_ECHO = """
import asyncio, sys
from orbiter.adapters.models.gateway import VendorModels
from orbiter.application.ports.models import ChatMessage, ChatRequest, ChatRole, Endpoint
from orbiter.domain.providers import ProviderType

def connect():
    raise AssertionError("nobody is to be connected to")

async def main():
    gateway = VendorModels(connect)
    message = ChatMessage(role=ChatRole.USER, content="hello")
    request = ChatRequest(model="echo", messages=[message])
    answer = await gateway.chat(Endpoint(provider_type=ProviderType.ECHO), request)
    await gateway.close()
    return answer.text

heavy = {"openai", "anthropic", "google", "httpx2", "pydantic"}
print(asyncio.run(main()), *heavy & {*sys.modules})
"""
ASK_WHAT_IS_NOT_INSTALLED = """
import asyncio, sys
sys.modules["anthropic"] = None
from orbiter.adapters.models.gateway import VendorModels
from orbiter.application.ports.models import Endpoint, ModelError
from orbiter.domain.providers import ProviderType

async def main():
    gateway = VendorModels(lambda: None)
    try:
        await gateway.models(Endpoint(provider_type=ProviderType.ANTHROPIC, api_key="k"))
    except ModelError as failure:
        return failure

failure = asyncio.run(main())
print(failure.code, failure)
"""


def said_by(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_every_vendor_has_an_adapter() -> None:
    assert set(ADAPTERS) == set(ProviderType) - {ProviderType.ECHO}


def test_echo_imports_no_sdk_and_needs_no_network() -> None:
    assert said_by(ASK_ECHO) == "hello\n"


def test_a_package_that_is_not_installed_is_told() -> None:
    said = said_by(ASK_WHAT_IS_NOT_INSTALLED)
    assert said.startswith("EXTRA_NOT_INSTALLED ") and "the package anthropic" in said


async def test_echo_is_not_bounded_by_an_endpoints_time() -> None:
    async with a_gateway() as gateway:
        hasty = Endpoint(provider_type=ProviderType.ECHO, timeout_seconds=0)
        assert (await gateway.chat(hasty, REQUEST)).text == "hello"


async def test_one_client_serves_all_vendors_and_is_made_once() -> None:
    from orbiter.adapters.outbound.allowlist import EgressAllowlist
    from orbiter.adapters.outbound.transport import guarded_client

    made = []

    def connect() -> object:
        made.append(guarded_client(EgressAllowlist.parse("127.0.0.1")))
        return made[-1]

    gateway = VendorModels(connect)  # type: ignore[arg-type]
    assert made == []
    async with serving(openai.offering("a")) as server:
        for provider_type in (ProviderType.OPENAI, ProviderType.GROQ):
            endpoint = Endpoint(provider_type=provider_type, base_url=server.url())
            assert await gateway.models(endpoint) == ["a"]
        await gateway.close()
        with pytest.raises(RuntimeError, match="closed"):
            await gateway.models(endpoint)
    assert len(made) == 1


async def test_an_endpoint_does_not_show_its_key() -> None:
    assert "sk-1" not in repr(Endpoint(provider_type=ProviderType.OPENAI, api_key="sk-1"))


async def test_a_vendors_failure_hides_what_the_sdk_knew() -> None:
    async with serving(openai.failing(500)) as server, a_gateway() as gateway:
        endpoint = Endpoint(provider_type=ProviderType.OPENAI, base_url=server.url())
        with pytest.raises(ModelError) as failed:
            await gateway.models(endpoint)
    assert failed.value.__cause__ is None and failed.value.__suppress_context__
