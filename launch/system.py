"""Bring everything up in order, then watch it: what died is named, what keeps dying with the end of its log."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from core.embedded_postgres import accepting, create_database
from core.postgres_cluster import Cluster, ensure_cluster
from core.tether import tied
from launch.ports import answers
from launch.process import ROOT, full_environment
from launch.settings import LaunchError, Settings, child_environment, make_env, read_env_file, write_env_file
from launch.supervision import QUICK_FAILURES, Supervisor, tail

RETRY_SECONDS = 30.0


class System:
    """The processes of one `make run`; `say` prints a line."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.say = say
        self.environment = child_environment(settings, Path(sys.executable))
        self.supervisor = Supervisor(settings.var, settings.processes, self.environment)
        self.cluster: Cluster | None = None
        self._seen: dict[str, int] = {}  # process name: process id when last looked at
        self._retry_at: dict[str, float] = {}

    def bring_up(self) -> None:
        """Raises LaunchError when something does not come up; then call `stop`."""
        if "postgres" in self.settings.processes:
            self.say("starting PostgreSQL")
            self.cluster = ensure_cluster(self.settings.var)
        self.supervisor.start()
        self._write_env()
        self._start_outside_world()
        self._write_env(self._webhook_secret(), self._webhook_secret(connect=True))
        self._command("migrating the database", "db", "upgrade")
        self._command("loading the law, seeding the catalogue and the demo accounts", "seed")
        self.say("starting worker and web")
        self._start("worker")
        self._start("web")
        self._wait("web", self._ready, 120)
        self._seen = self._running()

    def stop(self) -> None:
        """Stop all of it, the database last."""
        self.supervisor.stop()

    def watch(self) -> None:
        """For ever: report what happens, revive what was given up, restart supervisord if it is killed."""
        while True:
            time.sleep(1)
            self.reap()
            try:
                if not self.supervisor.alive():
                    self._restart_all()
                self.look()
            except LaunchError as error:
                self.say(str(error))

    def look(self) -> None:
        """One look at the processes."""
        now = time.monotonic()
        for name, entry in self.supervisor.states().items():
            before, state = self._seen.get(name), entry["statename"]
            if state in ("STARTING", "RUNNING") and entry["pid"] != before:
                if before is not None:
                    self.say(f"{name} ended by itself ({self._ending(name)}) and was started again")
                self._seen[name] = entry["pid"]
            elif state == "FATAL" and name not in self._retry_at:
                self._retry_at[name] = now + RETRY_SECONDS
                self.say(f"{self._failed(name)}\n{name} is tried again in {RETRY_SECONDS:.0f} s")
            elif state == "FATAL" and now >= self._retry_at[name]:
                del self._retry_at[name]
                self.supervisor.start_process(name)

    def reap(self) -> None:
        """Take note of the end of processes left to us by a killed supervisord: unreaped they would stay as zombies."""
        while self.supervisor.alive():
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or not self.supervisor.alive():
                return
            os.waitid(os.P_PID, ended.si_pid, os.WEXITED | os.WNOHANG)

    def _restart_all(self) -> None:
        self.say("supervisord is gone; starting everything again")
        self._seen.clear()
        self._retry_at.clear()
        self.supervisor.start()
        self._start_outside_world()
        self._start("worker")
        self._start("web")

    def _write_env(self, webhook_secret: str | None = None, connect_secret: str | None = None) -> None:
        known = read_env_file(self.settings.var)
        values = make_env(self.settings, known, self.cluster.url() if self.cluster else None)
        if webhook_secret:
            values["STRIPE_WEBHOOK_SECRET"] = webhook_secret
        if connect_secret:
            values["STRIPE_CONNECT_WEBHOOK_SECRET"] = connect_secret
        write_env_file(self.settings.var, values)

    def _start_outside_world(self) -> None:
        """The database and the two sandboxes: nothing of ours is needed for them."""
        cluster = self.cluster
        for name in ("postgres", "stripe", "window"):
            if name in self.settings.processes:
                self._start(name)
        if cluster is not None:
            self._wait("postgres", lambda: accepting(cluster), 90)
            create_database(cluster)
        for name, variable in (("stripe", "STRIPE_SANDBOX_PORT"), ("window", "SINGLE_WINDOW_SANDBOX_PORT")):
            if name in self.settings.processes:
                port = self.settings.ports[variable]
                self._wait(name, lambda port=port: answers(port), 30)  # type: ignore[misc]

    def _webhook_secret(self, *, connect: bool = False) -> str | None:
        """Register our webhook at the Stripe sandbox, for our account or merchants' (`connect`); it answers the same
        secret for the same address."""
        if "stripe" not in self.settings.processes:
            return None
        port = self.settings.ports["STRIPE_SANDBOX_PORT"]
        key = full_environment(self.environment)["STRIPE_SECRET_KEY"]
        form = {"url": f"{self.settings.web_url}/api/v1/shop/stripe/webhook", "enabled_events[]": "*"}
        if connect:
            form["connect"] = "true"
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/v1/webhook_endpoints", urllib.parse.urlencode(form), headers)
            answer = connection.getresponse().read()
            return str(json.loads(answer)["secret"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            raise LaunchError(f"the Stripe sandbox did not register the webhook ({error!r})") from error
        finally:
            connection.close()

    def _command(self, what: str, *arguments: str) -> None:
        self.say(what)
        log = self.settings.var / "log" / "setup.log"
        command = tied(sys.executable, "-m", "flask", "--app", "wsgi", *arguments)
        with log.open("wb") as out:
            # A session of its own: Ctrl-C is for us, and we are waiting for it.
            child = subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, env=full_environment(self.environment), stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, start_new_session=True,
            )  # fmt: skip
            try:
                code = child.wait()
            finally:
                child.terminate()
                child.wait()
        if code != 0:
            raise LaunchError(f"`flask --app wsgi {' '.join(arguments)}` failed (exit code {code}):\n{tail(log)}")

    def _start(self, name: str) -> None:
        self.supervisor.start_process(name)

    def _wait(self, name: str, up: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not up():
            if self.supervisor.states()[name]["statename"] == "FATAL":
                raise LaunchError(self._failed(name))
            if time.monotonic() > deadline:
                log = self.supervisor.log(name)
                raise LaunchError(f"{name} is not ready after {seconds:.0f} s; the end of {log}:\n{tail(log)}")
            time.sleep(0.1)

    def _failed(self, name: str) -> str:
        log = self.supervisor.log(name)
        return f"{name} failed {QUICK_FAILURES} times in a row; the end of {log}:\n{tail(log)}"

    def _ending(self, name: str) -> str:
        """How it ended: supervisord forgets it with the new start, its log does not."""
        found = re.findall(
            rf"exited: {name} \((.*?)(?:; .*)?\)", tail(self.settings.var / "log" / "supervisord.log", 100)
        )
        return found[-1] if found else "reason unknown"

    def _ready(self) -> bool:
        address = urllib.parse.urlsplit(self.settings.web_url)
        connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _running(self) -> dict[str, int]:
        return {name: entry["pid"] for name, entry in self.supervisor.states().items() if entry["pid"]}
