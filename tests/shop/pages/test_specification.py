"""An OpenAPI document as a person reads it."""

from shop.pages.specification import operations_by_tag

NODE = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "kind": {"type": ["string", "null"], "enum": ["a", "b", None]},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
    },
}
DOCUMENT = {
    "components": {
        "schemas": {"Node": NODE},
        "parameters": {"limit": {"name": "limit", "in": "query", "schema": {"type": "integer"}}},
    },
    "paths": {
        "/trees/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
            ],
            "post": {
                "tags": ["trees"],
                "operationId": "plant",
                "summary": "Plant.",
                "parameters": [{"$ref": "#/components/parameters/limit"}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}},
                "responses": {"204": {"description": "Done"}},
            },
        }
    },
}


def test_operations_stand_under_their_tag_with_resolved_shapes() -> None:
    (operation,) = operations_by_tag(DOCUMENT)["trees"]
    assert (operation["method"], operation["path"], operation["id"]) == ("POST", "/trees/{id}", "plant")
    assert [(entry["name"], entry["required"]) for entry in operation["parameters"]] == [("id", True), ("limit", False)]
    shape = operation["body"]["shape"]
    assert shape["name"] == "string"
    assert shape["kind?"] == "a | b"
    assert operation["answers"] == [{"status": "204", "description": "Done", "content": None}]


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    shape, depth = operations_by_tag(DOCUMENT)["trees"][0]["body"]["shape"], 0
    while isinstance(shape, dict):
        shape, depth = shape["children?"][0] if isinstance(shape["children?"], list) else None, depth + 1
    assert 1 < depth < 10
