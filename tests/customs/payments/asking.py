"""Asking for payment data as customs does, and looking at what became of it."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from core import clock, config
from core.config import ClockSetting
from core.database import db
from customs.payment_data import upload
from customs.payment_models import PaymentDataRequest
from tests.customs.payments.conftest import ORIGINAL

SESSION = "fe2374-8fnejf97-32839218"
QUESTION = {"orderNo": ORIGINAL.order_number, "sessionID": SESSION, "serviceTime": 1544519952469}
ADDRESS = "/api/v1/customs/platDataOpen"


def ask(client: Any, body: Any = None, **given: Any) -> Any:
    head = {"Authorization": f"Bearer {config.current().payment_data_secret}"}
    return client.post(ADDRESS, **{"json": QUESTION if body is None else body, "headers": head, **given})


def rows() -> list[PaymentDataRequest]:
    found = list(db.session.scalars(select(PaymentDataRequest).execution_options(populate_existing=True)))
    db.session.rollback()
    return found


def the_row() -> PaymentDataRequest:
    (found,) = rows()
    db.session.refresh(found)
    db.session.expunge(found)
    db.session.rollback()
    return found


def run() -> None:
    upload.upload(str(the_row().id))


def later(seconds: int) -> None:
    clock.set_clock(ClockSetting(fixed=clock.now() + timedelta(seconds=seconds)))


def jobs_of(name: str) -> int:
    found = db.session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :n"), {"n": name})
    db.session.rollback()
    return found or 0
