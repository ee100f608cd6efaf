"""A running system as `make run` starts it, and a Chromium that may talk to nobody but this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from core import embedded_postgres
from launch import leftovers

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 150
PORTS = ("PORT", "STRIPE_SANDBOX_PORT", "SINGLE_WINDOW_SANDBOX_PORT")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run", "--disable-default-apps"]  # fmt: skip


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the shop: web, worker, database and both sandboxes are real processes."""
    folder = tmp_path_factory.mktemp("browser")
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    ports = [str(holder.getsockname()[1]) for holder in holders]
    for holder in holders:
        holder.close()
    var, output = folder / "var", folder / "output"
    environment = {**os.environ, "LANDFALL_VAR": str(var), **dict(zip(PORTS, ports, strict=True))}
    with output.open("w") as said:
        run = subprocess.Popen([sys.executable, "-m", "launch"], cwd=ROOT, env=environment, stdout=said, stderr=said)
    try:
        _wait(run, output)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        run.terminate()
        run.wait(120)
        leftovers.stop(var)
        embedded_postgres.remove(var)


def _wait(run: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while "Ctrl-C stops everything" not in output.read_text():
        assert run.poll() is None, output.read_text()
        assert time.monotonic() < deadline, f"not ready after {READY_SECONDS} s:\n{output.read_text()}"
        time.sleep(0.2)


@pytest.fixture(scope="module")  # its event loop runs as long as it does, and would stop other tests from having one
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("Chromium is missing: as root, apt-get install chromium fonts-wqy-microhei (`make test` does it)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One browser window and what went wrong in it."""

    page: Page
    site: str
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on(
            "console", lambda message: self._note("console", message.text, message.type in ("error", "warning"))
        )
        self.page.on("pageerror", lambda error: self._note("script", str(error)))
        self.page.on("request", lambda request: self._note("foreign", request.url, not _local(request.url)))
        self.page.on(
            "response", lambda answer: self._note("broken", f"{answer.status} {answer.url}", answer.status >= 500)
        )

    def _note(self, kind: str, text: str, wrong: bool = True) -> None:
        if wrong:
            self.faults.append(f"{kind}: {text}")

    def go(self, path: str) -> None:
        answer = self.page.goto(self.site + path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        self.check()

    def check(self) -> None:
        """Nothing wrong so far, and nothing wider than the window."""
        assert self.faults == []
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 1, f"{self.page.url} is {wide} px too wide"

    def sign_in(self, who: str) -> None:
        if "/login" not in self.page.url:
            self.go("/login")
        self.page.fill("#email", f"{who}@landfall.example")
        self.page.fill("#password", "landfall-demo")
        self.page.click("form[name=login_user_form] button[type=submit]")
        self.page.wait_for_url(lambda url: "/login" not in url)


def _local(url: str) -> bool:
    return urlsplit(url).scheme in ("data", "blob", "about") or urlsplit(url).hostname == "127.0.0.1"


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[Callable[..., Visit]]:
    """Open a window: `visit("zh-CN", 390, 844)`."""
    contexts = []

    def opened(locale: str, width: int, height: int) -> Visit:
        context = chromium.new_context(locale=locale, viewport={"width": width, "height": height})
        context.set_default_timeout(20_000)
        contexts.append(context)
        found = Visit(context.new_page(), site)
        found.watch()
        return found

    yield opened
    for context in contexts:
        context.close()
