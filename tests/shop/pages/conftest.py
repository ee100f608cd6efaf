"""A browser without a window: forms are found on the page and sent with what they hold, the token included."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest

from core.accounts import Actor
from tests.shop.builders import PASSWORD


class _Forms(HTMLParser):
    """Hidden fields of every form, by the form's action."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self._open: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = self.found.setdefault(facts.get("action", ""), {})
        elif tag == "input" and self._open is not None and facts.get("type") == "hidden":
            self._open[facts.get("name", "")] = facts.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def _alone(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A request without the test's own application context, whose `g` it would share with the request before."""
    return contextvars.Context().run(call, *args, **kwargs)


@dataclass
class Browser:
    client: Any

    def go(self, path: str, language: str = "en") -> Any:
        return _alone(self.client.get, path, headers={"Accept-Language": language})

    def send(self, page: str, action: str, to: str | None = None, **values: Any) -> Any:
        """Open a page, fill the form that goes to `action`, and send it (or send it elsewhere)."""
        parser = _Forms()
        parser.feed(self.go(page).get_data(as_text=True))
        forms = [fields for target, fields in parser.found.items() if target.split("?")[0] == action]
        assert forms, f"{page} has no form to {action}, only to {sorted(parser.found)}"
        data = {**forms[0], **{name: str(value) for name, value in values.items()}}
        return _alone(self.client.post, to or action, data=data, headers={"Accept-Language": "en"})

    def post(self, action: str, **values: Any) -> Any:
        """Send a form that no page shows at the moment, with a token of this session."""
        return self.send("/register", "/register", to=action, **values)

    def sign_in(self, actor: Actor) -> Any:
        return self.send("/login", "/login", email=actor.email, password=PASSWORD)


@pytest.fixture
def browser(client: Any, context: None) -> Browser:
    return Browser(client)


@pytest.fixture
def another_browser(app: Any, context: None) -> Callable[[], Browser]:
    return lambda: Browser(app.test_client())
