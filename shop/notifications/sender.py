"""The jobs that send what is told. Mails and calls are two, so that merchants' servers hold no mail up.

Nothing is sent inside a transaction, and each takes one place of the worker for all that it sends.
"""

from __future__ import annotations

import time

from core import jobs
from shop.notifications import calls, mail, outbox

RUN_SECONDS = 20


@jobs.task("shop.send_notices", schedule="* * * * * */5", alone=True)
def send_notices() -> None:
    """Deliveries made out and mails sent, until nothing is due or time is up."""
    until = time.monotonic() + RUN_SECONDS
    while time.monotonic() < until:
        busy = outbox.make_out(), mail.send_due()
        if not any(busy):
            break


@jobs.task("shop.send_calls", schedule="* * * * * */5", alone=True)
def send_calls() -> None:
    """Calls of endpoints, and those closed that have failed for too long."""
    calls.send_due(time.monotonic() + RUN_SECONDS)
    calls.close_failing()
