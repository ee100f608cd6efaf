"""Stripe's error answers: `{"error": {type, code, message, param, decline_code, payment_intent}}` and a status."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """One refusal. `commits` is true where the attempt itself leaves a trace, as a declined card does."""

    def __init__(self, status: int, kind: str, message: str, *, commits: bool = False, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.commits = commits
        self.error = {"type": kind, "message": message} | {k: v for k, v in fields.items() if v is not None}

    def body(self) -> dict[str, Any]:
        return {"error": self.error}


def invalid(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> ApiError:
    return ApiError(status, "invalid_request_error", message, param=param, code=code)


def missing(kind: str, object_id: str, param: str = "id") -> ApiError:
    return invalid(f"No such {kind}: '{object_id}'", param, "resource_missing", 404)


def unexpected_state(message: str, intent: dict[str, Any]) -> ApiError:
    return ApiError(
        400, "invalid_request_error", message, code="payment_intent_unexpected_state", payment_intent=intent
    )


def declined(code: str, message: str, decline_code: str | None, charge: str | None, intent: dict[str, Any]) -> ApiError:
    return ApiError(
        402,
        "card_error",
        message,
        commits=True,
        code=code,
        decline_code=decline_code,
        charge=charge,
        payment_intent=intent,
    )
