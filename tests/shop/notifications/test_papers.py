"""What the documents promise about notices is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from core import jobs
from shop.notifications import endpoints, signing
from shop.notifications.kinds import kinds
from shop.pages import notice_words

DOCUMENT = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()


def test_every_kind_is_described() -> None:
    rows = "".join(line for line in DOCUMENT.splitlines() if line.startswith("| `"))
    told = set(re.findall(r"`(\w+)`", rows))
    assert set(kinds("person")) | set(kinds("merchant")) <= told
    assert set(kinds("person")) | set(kinds("merchant")) == set(notice_words.KINDS)
    assert set(endpoints.choosable()) == set(kinds("merchant")) - {"webhook_test"}


@pytest.mark.parametrize(("secret", "holds"), [("whsec_new", True), ("whsec_old", True), ("whsec_x", False)])
def test_the_example_of_the_document_verifies(secret: str, holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"^    import hashlib.*?\n(?=\n###)", DOCUMENT, re.S | re.M)
    assert example
    scope: dict[str, Any] = {}
    exec(re.sub(r"^    ", "", example[0], flags=re.M), scope)
    body = '{"a":"金"}'.encode()
    now = 1_764_057_600
    monkeypatch.setattr(scope["time"], "time", lambda: now + 10)
    header = signing.signature(body, ["whsec_new", "whsec_old"], now)
    assert scope["genuine"](secret, header, body) is holds
    assert not scope["genuine"](secret, header, body + b"\n")
    monkeypatch.setattr(scope["time"], "time", lambda: now + 301)
    assert not scope["genuine"](secret, header, body)


def test_each_sender_takes_one_place_of_the_worker(app: Any) -> None:
    tasks = jobs.worker_app(app).tasks
    for name in ("shop.send_notices", "shop.send_calls"):
        assert tasks[name].lock == name
    assert tasks["shop.chase_refunds"].lock is None
