"""Who of a merchant's people may call a route: the mark of the route, and the question before each call.

A route that changes something names its task (`@task(rights.STOCK)`); one that names none needs the broadest, `goods`,
so that a forgotten mark shuts a door and opens none. Membership is read anew with each request: whoever was removed is
refused the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request

from catalog import members, rights
from core.web import maybe_actor

V = TypeVar("V", bound=Callable[..., Any])
_READING = ("GET", "HEAD", "OPTIONS")


def task(name: str) -> Callable[[V], V]:
    """Mark a route with the task it is part of."""

    def mark(view: V) -> V:
        view.task = name  # type: ignore[attr-defined]
        return view

    return mark


def task_of(view: Any, method: str) -> str:
    """The task a call is part of."""
    return str(getattr(view, "task", rights.READ if method in _READING else rights.GOODS))


def init_app(app: Flask) -> None:
    """Ask before every route that is open to merchants, after `core.web` has asked for the account's roles."""
    app.before_request(ask)


def ask() -> None:
    """Raises Problem `forbidden` when the person's role in its merchant does not allow the call."""
    view = current_app.view_functions.get(request.endpoint or "")
    access = getattr(view, "access", None) or ()
    who = maybe_actor() if "merchant" in access else None
    if who is None or who.has(*(role for role in access if role != "merchant")):
        return  # an operator or the customs desk acts in its own right
    rights.demand(members.role_of(who.id), task_of(view, request.method))
