"""/api/v1/tools/import-openapi: tools of what a service says can be asked of it."""

from typing import Annotated, Any

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.tools import ToolOut
from orbiter.adapters.http.wire import Id, Input, Output
from orbiter.application.facade import Orbiter
from orbiter.application.ports.service_descriptions import OPERATIONS_MAX
from orbiter.domain.identity import Permission
from orbiter.domain.providers import URL_MAX, url_problems

Document = Annotated[
    str | dict[str, Any],
    Meta(
        description="OpenAPI 3.0 or 3.1: JSON or YAML as a text, or the object. References lead "
        "within it; others are refused.",
        examples=[
            {
                "openapi": "3.1.0",
                "servers": [{"url": "https://api.example.org/v1"}],
                "paths": {
                    "/orders/{order}": {
                        "get": {
                            "operationId": "look_up_order",
                            "parameters": [
                                {
                                    "name": "order",
                                    "in": "path",
                                    "required": True,
                                    "schema": {"type": "string"},
                                }
                            ],
                        }
                    }
                },
            }
        ],
    ),
]
DocumentUrl = Annotated[
    str,
    Meta(max_length=URL_MAX, description="Where the document is fetched from, if it is not given."),
]
BaseUrl = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=URL_MAX,
        description="Where the service is: in place of an absolute URL of its server, or what a "
        "relative one is completed with.",
        examples=["https://api.example.org/v1"],
    ),
]
Auth = Annotated[
    dict[str, Any],
    Meta(
        description="In place of what the document says of security: the `auth` of an `http` tool.",
        examples=[{"type": "bearer", "token": "{{ secrets.ORDERS_TOKEN }}"}],
    ),
]
Operations = Annotated[
    list[str],
    Meta(
        max_length=OPERATIONS_MAX,
        description="Which operations: `operationId`, or as `GET /path`; null for all.",
        examples=[["look_up_order"]],
    ),
]


class NewImport(Input):
    """A document to make tools of: given, or fetched."""

    rules = {"base_url": url_problems}
    references = {"project_id": "projects"}

    project_id: Id
    document: Document | None = None
    url: DocumentUrl | None = None
    base_url: BaseUrl | None = None
    auth: Auth | None = None
    operations: Operations | None = None


class ImportedOut(Output):
    """The tools that were made."""

    data: list[ToolOut]


class ToolImportController(Controller):
    """Making many tools at once."""

    path = "/tools"
    tags = ("tools",)

    @post(
        "/import-openapi",
        opt=requires(Permission.TOOLS_WRITE),
        summary="Import the operations of an OpenAPI document",
    )
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewImport]
    ) -> ImportedOut:
        """Make a tool of kind `http` of each operation, 200 at most: of all, or of none.

        It is named for its `operationId`, else for method and path. Its arguments are the
        parameters in path, query and headers, and `body`, which is JSON. Security schemes become
        templates over secrets, named for the service's host and the scheme; keep the secrets under
        these names. 422 says where in the document something can't be a tool: fields begin with
        `document`. 409 when the project has a tool of one of the names.
        """
        tools = await core.import_openapi(request.user, **data.given())
        return ImportedOut(data=[ToolOut.of(tool) for tool in tools])
