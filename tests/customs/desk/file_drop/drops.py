"""Filing into the folders of a transfer client, and looking into them."""

import os
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from core import clock
from core.config import ClockSetting
from core.database import db, transaction
from customs import declarations, filing
from customs.models import WindowReceipt
from tests.customs.desk import builders
from tests.customs.window.dxp.transfer_client import TransferClient


def opened(**changes: Any) -> uuid.UUID:
    request = builders.filing(*builders.buyer(), **changes)
    with transaction() as session:
        return declarations.open_retail(session, request)


def filed(client: TransferClient) -> uuid.UUID:
    """A declaration whose papers the client has taken."""
    found = opened()
    filing.file(str(found))
    client.take()
    return found


def names(client: TransferClient, room: str) -> list[str]:
    paths = (client.folder / room).rglob("*")
    return sorted(path.name for path in paths if path.is_file())


def aged(path: Path) -> None:
    os.utime(path, (time.time() - 120, time.time() - 120))


def later(seconds: int) -> None:
    clock.set_clock(ClockSetting(fixed=clock.now() + timedelta(seconds=seconds)))


def stored() -> int:
    found = db.session.scalar(select(func.count()).select_from(WindowReceipt)) or 0
    db.session.rollback()
    return found
