"""Reads an OpenAPI document into what a person wants to see of each operation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

_METHODS = ("get", "post", "put", "patch", "delete")
_DEPTH = 6  # a schema that holds itself ends somewhere


def operations_by_tag(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Tag: operations in the order of their addresses; bodies and answers as nested example-like shapes."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method in _METHODS:
            if method in item:
                operation = item[method]
                tag = (operation.get("tags") or ["other"])[0]
                groups[tag].append(_operation(document, path, method, operation, shared))
    return dict(groups)


def _operation(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any], shared: list[Any]
) -> dict[str, Any]:
    parameters = [_resolved(document, entry) for entry in [*shared, *operation.get("parameters", [])]]
    return {
        "id": operation.get("operationId", f"{method} {path}"),
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [_parameter(document, entry) for entry in parameters],
        "body": _content(document, operation.get("requestBody", {})),
        "answers": [
            {"status": status, **_answer(document, answer)} for status, answer in operation.get("responses", {}).items()
        ],
    }


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow `$ref` within the document."""
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _parameter(document: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    schema = _resolved(document, entry.get("schema", {}))
    rule = schema.get("pattern") or ", ".join(map(str, schema.get("enum", [])))
    return {
        "name": entry["name"],
        "place": entry["in"],
        "required": entry.get("required", False),
        "type": _type(schema),
        "rule": rule,
    }


def _content(document: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first media type with its shape, or None."""
    for media, content in _resolved(document, node).get("content", {}).items():
        return {"media": media, "shape": _shape(document, content.get("schema", {}), _DEPTH)}
    return None


def _answer(document: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    resolved = _resolved(document, answer)
    return {"description": resolved.get("description", ""), "content": _content(document, resolved)}


def _shape(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> Any:
    """Objects as dicts, arrays as lists of one, leaves as the name of their type."""
    schema = _resolved(document, schema)
    for joined in ("anyOf", "oneOf", "allOf"):
        if joined in schema:
            schema = {**_resolved(document, schema[joined][0]), **{k: v for k, v in schema.items() if k != joined}}
    kind = _type(schema)
    if depth == 0 or kind not in ("object", "array"):
        return _leaf(schema, kind)
    if kind == "array":
        return [_shape(document, schema.get("items", {}), depth - 1)]
    required = schema.get("required", [])
    return {
        f"{name}{'' if name in required else '?'}": _shape(document, inner, depth - 1)
        for name, inner in schema.get("properties", {}).items()
    }


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "any")
    kinds = [word for word in kind if word != "null"] if isinstance(kind, list) else [kind]
    return str(kinds[0]) if kinds else "null"


def _leaf(schema: Mapping[str, Any], kind: str) -> str:
    if schema.get("enum"):
        return " | ".join(str(word) for word in schema["enum"] if word is not None)
    detail = schema.get("format") or schema.get("pattern")
    return f"{kind} ({detail})" if detail else kind
