"""`python -m tests.shop.kills.stem`: the whole application, loaded once, from which processes are forked to be killed.

One line of JSON in, one out: {step, args, offset, die_at} is done by a fork, which has nothing but what it inherits and
the database. The stem itself keeps no connection and no thread.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import configure_mappers
from stripe._object_classes import get_object_class

from core import clock
from core.config import ClockSetting
from core.database import db
from customs import filing_documents
from shop import exchanges
from shop.app import create_app
from tests.shop.kills import deaths
from tests.shop.kills.steps import STEPS


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the application prints is no answer
    app = create_app()
    _warm(app)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_fork(app, json.loads(line))), file=answers, flush=True)


def _warm(app: Any) -> None:
    """Whatever is made at first use is made once, not by each fork."""
    configure_mappers()
    filing_documents.signer()
    exchanges.gateway()
    for kind in ("payment_intent", "payment_method", "charge", "balance_transaction", "refund", "list", "customer"):
        get_object_class("V1", kind)
    STEPS["request"](app, "GET", "/api/v1/shop/orders", {"Authorization": "Bearer nobody"})
    STEPS["work"](app)
    with app.app_context():
        db.engine.dispose()


def _fork(app: Any, order: dict[str, Any]) -> dict[str, Any]:
    """How the fork ended: `killed`, the points it passed, and what it told at last."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _be_forked(app, order, writer)
    os.close(writer)
    with os.fdopen(reader) as told:
        said = [json.loads(line) for line in told]
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    points = [each["point"] for each in said if "point" in each]
    last = said[-1] if said and "point" not in said[-1] else {}
    return {"killed": killed, "points": points, "result": last.get("result"), "fault": last.get("fault")}


def _be_forked(app: Any, order: dict[str, Any], writer: int) -> None:
    def tell(**said: Any) -> None:
        os.write(writer, json.dumps(said).encode() + b"\n")

    try:
        clock.set_clock(ClockSetting(offset=timedelta(seconds=order["offset"])))
        deaths.arm(order["die_at"], lambda name: tell(point=name))
        tell(result=STEPS[order["step"]](app, **order["args"]))
    except BaseException:
        tell(fault=traceback.format_exc())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
