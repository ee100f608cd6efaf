"""Every route says who may call it; every operation is described; every error is documented."""

import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from core.errors import declared_codes

ROOT = Path(__file__).parents[2]


def test_every_route_says_who_may_call_it(app: Any) -> None:
    silent = [
        rule.rule for rule in app.url_map.iter_rules() if not hasattr(app.view_functions[rule.endpoint], "access")
    ]
    assert silent == []


def test_routes_ask_only_for_roles_that_exist(app: Any) -> None:
    asked = {role for view in app.view_functions.values() for role in view.access}
    assert asked <= {"", "consumer", "merchant", "customs", "operator"}


def test_what_creates_or_changes_is_never_public(app: Any) -> None:
    """The few that are: opening an account, signing in, asking a price, and notices that prove themselves."""
    known = {"create_account", "create_token", "create_quote", "create_assessment", "receive_stripe_event",
             "receive_receipt", "open_payment_data"}  # fmt: skip
    public = {
        rule.endpoint.rsplit(".", 1)[-1]
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        and app.view_functions[rule.endpoint].access == ()
        and rule.methods & {"POST", "PUT", "PATCH", "DELETE"}
    }
    assert public <= known, public - known


def test_the_specification_is_valid_and_complete(client: Any, app: Any) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    validate(document)
    described = {
        (re.sub(r"\{[^}]*\}", "{}", path), method.upper())
        for path, operations in document["paths"].items()
        for method in operations
    }
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and not rule.endpoint.startswith("api-docs") and "/docs" not in rule.rule:
            path = re.sub(r"<[^>]*>", "{}", rule.rule)
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert (path, method) in described, f"{method} {rule.rule} is not in the specification"
    names = [op["operationId"] for ops in document["paths"].values() for op in ops.values() if "operationId" in op]
    assert len(names) == len(set(names))


def test_every_error_code_is_documented(app: Any) -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    missing = [code.word for code in declared_codes() if f"`{code.word}` | {code.status} |" not in text]
    assert missing == []


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/shop/orders", "/api/v1/customs/declarations"])
@pytest.mark.parametrize(
    "header", ["Bearer ", "Bearer", "Bearer x", "Basic abc", "Bearer " + "x" * 43, "", "Bearer Ａ"]
)
def test_a_bad_token_is_401_in_our_shape(client: Any, path: str, header: str) -> None:
    answer = client.get(path, headers={"Authorization": header.encode("utf-8").decode("latin-1")})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.get_json()["code"] == "unauthenticated"
    assert "WWW-Authenticate" in answer.headers
