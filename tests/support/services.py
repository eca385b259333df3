"""A service's descriptions, as their authors write them: OpenAPI 3.0 in YAML, 3.1 in JSON."""

from typing import Any, Final

# What a shop's own tools would write: references, parameters of a path, styles, nullable.
SHOP_3_0: Final = """
openapi: 3.0.3
info: {title: Shop, version: 1.4.0}
servers:
- url: '{base}/{stage}'
  variables:
    base: {default: http://shop.test}
    stage: {default: v1, enum: [v1, v2]}
security:
- shop_key: []
paths:
  /orders/{orderId}:
    parameters:
    - $ref: '#/components/parameters/OrderId'
    get:
      operationId: orders.get
      summary: Gives an order
      description: With its items, if they are asked for.
      parameters:
      - {name: expand, in: query, schema: {type: array, items: {type: string}}}
      - {name: fields, in: query, explode: false, schema: {type: array, items: {type: string}}}
      - {name: X-Trace, in: header, schema: {type: string}}
      - {name: Accept, in: header, schema: {type: string}}
      - name: filter
        in: query
        style: deepObject
        schema:
          type: object
          properties: {state: {type: string}, from: {type: string, format: date}}
      responses: {200: {description: It}}
    put:
      operationId: orders.put
      requestBody: {$ref: '#/components/requestBodies/Order'}
      responses: {200: {description: It}}
  /ping:
    get:
      security: []
      responses: {204: {description: Nothing}}
components:
  securitySchemes:
    shop_key: {type: apiKey, in: header, name: X-Shop-Key}
  parameters:
    OrderId:
      name: orderId
      in: path
      required: true
      description: Its number
      schema: {type: string, maxLength: 40}
  requestBodies:
    Order:
      required: true
      description: The order as it is to be
      content:
        application/xml: {schema: {type: string}}
        application/json: {schema: {$ref: '#/components/schemas/Order'}}
  schemas:
    Order:
      type: object
      required: [id, note, items]
      properties:
        id: {type: string, readOnly: true}
        note: {type: string, nullable: true, example: Fragile}
        discount: {type: number, minimum: 0, exclusiveMinimum: true}
        items: {type: array, items: {$ref: '#/components/schemas/Item'}}
        gift: {nullable: true, allOf: [{$ref: '#/components/schemas/Item'}]}
    Item:
      type: object
      properties:
        sku: {type: string, pattern: '^[A-Z]+$'}
        colour: {type: string, enum: [red, blue], nullable: true}
        parts: {type: array, items: {$ref: '#/components/schemas/Item'}}
      x-internal: true
"""
NOTES_3_1: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "Notes", "version": "2"},
    "servers": [{"url": "/api"}],
    "paths": {
        "/notes/{id}": {
            "post": {
                "operationId": "note",
                "parameters": [
                    {"name": "id", "in": "path", "schema": {"type": "integer"}},
                    {"name": "id", "in": "query", "required": True, "schema": {"type": "boolean"}},
                    {"name": "body", "in": "query", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/N"}}}
                },
                "security": [{"digest": []}, {"basic": []}],
            }
        }
    },
    "webhooks": {"heard": {"post": {}}},
    "components": {
        "securitySchemes": {
            "digest": {"type": "http", "scheme": "digest"},
            "basic": {"type": "http", "scheme": "Basic"},
        },
        "schemas": {
            "N": {
                "type": ["object", "null"],
                "properties": {
                    "kind": {"const": "note"},
                    "text": {"$ref": "#/components/schemas/Text", "description": "Of the note"},
                },
                "additionalProperties": False,
            },
            "Text": {"type": "string", "description": "A text", "examples": ["Hello"]},
        },
    },
}


def a_service(*operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a description of operations at `/0`, `/1`, …; each is asked for by GET."""
    return {
        "openapi": "3.1.0",
        "servers": [{"url": "http://service.test"}],
        "paths": {f"/{at}": {"get": each} for at, each in enumerate(operations)},
        **more,
    }
