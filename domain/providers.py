"""Providers: whose models are called, and with which key."""

from enum import StrEnum
from typing import Final

NAME_MAX: Final = 64
KEY_MAX: Final = 4096
URL_MAX: Final = 2048
MODEL_MAX: Final = 255
MODELS_MAX: Final = 500
RETRIES_MAX: Final = 10
TIMEOUT_MAX: Final = 600


class ProviderType(StrEnum):
    """Whose wire format is spoken; the last one needs neither key nor network."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    AZURE_OPENAI = "azure_openai"
    MISTRAL = "mistral"
    GROQ = "groq"
    OPENROUTER = "openrouter"
    OLLAMA = "ollama"
    OPENAI_COMPATIBLE = "openai_compatible"
    ECHO = "echo"


class ProviderStatus(StrEnum):
    """How the last test went."""

    UNTESTED = "untested"
    CONNECTED = "connected"
    ERROR = "error"
