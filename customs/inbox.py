"""Reading the inbox of the transfer client: each file stored once, then put away; one bad file keeps no other waiting.

A file is moved only after what it holds is committed. Killed in between, it is read again, and what is known already
changes nothing: a receipt is kept under what it says, an answer of the exchange under the hash of its words.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from pathlib import Path

import click
import structlog
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core import clock
from core.database import db, end_read, transaction
from core.errors import Problem
from core.jobs import task
from customs import filing_documents, receipts, sending
from customs.dead_letters import attempts
from customs.dead_letters.attempts import Sent
from customs.models import WindowDocument
from customs.persons import veiled
from customs.shipments import tallies
from customs.window.dxp.drop import BAD, DONE, prepare
from customs.window.dxp.inbox import (
    Answer,
    Content,
    FileBad,
    FileUnfinished,
    Mark,
    mark_of,
    move,
    read_file,
    tidy,
    waiting,
)
from customs.window.dxp.tables import codes
from customs.zone_stock_models import ArrivalTally

log = structlog.get_logger()

_FILES_MOST = 1000  # a run; the next begins seconds later


@task("customs.read_inbox", schedule="* * * * * */5", alone=True)
def read_inbox() -> Counter[str]:
    """Read what lies in the inbox; nothing where messages go by HTTP. Returns how many files ended how, or that the
    folder is `away`.
    """
    folder = sending.drop_folder()
    if folder is None:
        return Counter()
    try:
        prepare(folder)
    except OSError as fault:  # no job to be kept as failed, every five seconds
        log.error("inbox_away", reason=fault.strerror)
        return Counter(away=1)
    ends: Counter[str] = Counter()
    for path in waiting(folder):
        if ends["read"] + ends["bad"] >= _FILES_MOST:
            break
        end = _shielded(folder, path)
        ends[end] += 1
        if end == "halted":
            break
    tidy(folder, clock.today())
    return ends


def _shielded(folder: Path, path: Path) -> str:
    """`read`, `bad`, `left` for the next run, `gone`: another reader has it, or `halted`: the database is away."""
    try:
        mark = mark_of(path)
        raw, content = read_file(path, filing_documents.parties().dxp_id)
        _store(raw, content)
    except FileNotFoundError:
        return "gone"
    except FileUnfinished:
        return "left"
    except (FileBad, Problem) as fault:
        words = fault.detail if isinstance(fault, Problem) else str(fault)
        log.error("inbox_file_bad", file=path.name, reason=words)
        return _put_away(folder, path, BAD, mark, words)
    except OperationalError:
        db.session.rollback()
        log.exception("inbox_halted")
        return "halted"
    except Exception:
        db.session.rollback()
        log.exception("inbox_file_left", file=path.name)
        return "left"
    return _put_away(folder, path, DONE, mark)


def _put_away(folder: Path, path: Path, room: str, mark: Mark, reason: str | None = None) -> str:
    """A file that cannot be moved (the disk is full, the rights are not ours) keeps no other waiting either."""
    try:
        move(folder, path, room, clock.today(), mark, reason)
    except OSError:
        log.exception("inbox_file_left", file=path.name)
        return "left"
    return "bad" if room == BAD else "read"


def _store(raw: bytes, content: Content) -> None:
    """Raises Problem `receipt_unreadable` or `receipt_signature` as the door of the receipts does."""
    if content.xml is not None:
        receipts.store(content.xml)
    digest = hashlib.sha256(raw).digest()
    for position, answer in enumerate(content.answers):
        _take(answer, hashlib.sha256(digest + str(position).encode()).digest())


def _take(answer: Answer, digest: bytes) -> None:
    """Apply what the exchange says of a message: kept with its attempts, and a refusal refuses it as the window would.

    An answer to a sending before a person sent it again is only kept, as is a code that is not ours to know.
    """
    document = db.session.scalars(select(WindowDocument).where(WindowDocument.guid == answer.guid)).first()
    tally = db.session.scalars(select(ArrivalTally).where(ArrivalTally.guid == answer.guid)).first()
    found: Sent | None = document or tally
    if found is not None:
        db.session.expunge(found)
    end_read()
    if found is None:
        log.warning("exchange_answer_unknown", code=answer.code)
        return
    known = codes().get(answer.code)
    words = veiled(f"{answer.code} {known.meaning if known else ''} {answer.words}".strip())
    with transaction() as session:
        if attempts.answered(session, found, clock.now(), words, digest):
            attempts.count(session, "file", found.kind, "answered")
    if known is not None and known.effect == "refuse" and not _outdated(answer, found.trying_since):
        (tallies if isinstance(found, ArrivalTally) else sending).refuse(found.id, words)


def _outdated(answer: Answer, trying_since: datetime | None) -> bool:
    made = datetime.fromisoformat(answer.made_at)
    made = made.replace(tzinfo=clock.BEIJING) if made.tzinfo is None else made
    return trying_since is not None and made < trying_since.replace(microsecond=0)


@click.command("inbox")
@with_appcontext
def inbox() -> None:
    """Read the inbox of the transfer client now; the worker does it every five seconds."""
    ends = read_inbox()
    if ends["away"]:
        raise click.ClickException("the folder of the transfer client is not there")
    told = ", ".join(f"{number} {end}" for end, number in sorted(ends.items()))
    click.echo(told or "nothing to read")
