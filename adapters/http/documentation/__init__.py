"""The API described: an OpenAPI document and the pages that show it, with no help from outside."""

from orbiter.adapters.http.documentation.about import openapi_config
from orbiter.adapters.http.documentation.controller import DocumentationController
from orbiter.adapters.http.documentation.description import describe
from orbiter.adapters.http.documentation.pages import REDOC_POLICY, SWAGGER_POLICY

__all__ = [
    "REDOC_POLICY",
    "SWAGGER_POLICY",
    "DocumentationController",
    "describe",
    "openapi_config",
]
