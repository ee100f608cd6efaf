"""Every day again: the law of the new day is asked about everything in the shop, and what it closed is taken out.

The job runs through the published listings in batches by id, keeps how far it came (`law_check`), and goes on there
after a kill. It is due once for each Beijing day and edition of the law; a listing that is published meanwhile was held
to the law of its day on its way in. What is closed is withdrawn with the rule that closed it; when the law opens again
the merchant publishes it again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, load_only

from catalog import compliance, establishments, listings, merchants, notices
from catalog.establishments import Register
from catalog.models import LawCheck, Listing
from core import audit, clock
from core.database import db, transaction
from core.errors import Problem
from core.jobs import task
from customs import edition
from customs.tariff import Tariff

BATCH = 1000
ACTOR = "law"
_READ = (
    *(Listing.id, Listing.status, Listing.title_zh, Listing.category, Listing.hs, Listing.origin, Listing.route),
    *(Listing.mode, Listing.unit, Listing.net_weight_kg, Listing.gross_weight_kg, Listing.declaration_elements),
    *(Listing.statutory, Listing.net_content, Listing.gtin, Listing.establishment_no),
)


@task("catalog.recheck_listings", schedule="*/5 * * * *")
def recheck() -> None:
    """Hold all published listings to the law of today, if that was not done yet."""
    day, law = clock.today(), edition.tariff()
    while True:
        done, after = _progress(day, law.edition)
        if done or not _next_batch(day, law, after):
            return


def _progress(day: date, of_edition: str) -> tuple[bool, uuid.UUID | None]:
    """Whether the check of a day and edition is finished, and the last listing it has seen."""
    with transaction() as session:
        start = insert(LawCheck).values(day=day, edition=of_edition, checked=0, withdrawn=0, started_at=clock.now())
        session.execute(start.on_conflict_do_nothing())
        row = session.get_one(LawCheck, (day, of_edition))
        return row.finished_at is not None, row.last_id


def _next_batch(day: date, law: Tariff, after: uuid.UUID | None) -> bool:
    """Check the listings after one; False when another worker has taken these."""
    statement = select(Listing).options(load_only(*_READ, raiseload=True)).where(Listing.status == "published")
    if after is not None:
        statement = statement.where(Listing.id > after)
    rows = db.session.scalars(statement.order_by(Listing.id).limit(BATCH)).all()
    register = establishments.register_of(db.session(), rows)
    suspects = [row.id for row in rows if refusal(row, day, register) is not None]
    last, count = (rows[-1].id if rows else after), len(rows)
    db.session.expunge_all()  # a batch must not keep the one before it in memory
    with transaction() as session:
        withdrawn = _withdraw(session, suspects, day, law) if suspects else 0
        mine = LawCheck.last_id.is_not_distinct_from(after), LawCheck.finished_at.is_(None)
        step = update(LawCheck).where(LawCheck.day == day, LawCheck.edition == law.edition, *mine)
        changed = {"last_id": last, "checked": LawCheck.checked + count, "withdrawn": LawCheck.withdrawn + withdrawn}
        ended = clock.now() if count < BATCH else None
        moved = session.execute(step.values(**changed, finished_at=ended).returning(LawCheck.day)).first()
        if moved is None:
            session.rollback()
    db.session.expunge_all()
    return moved is not None


def refusal(row: Listing, day: date, register: Register) -> Problem | None:
    """Why the law of a day keeps a listing out of the shop."""
    try:
        compliance.check_law(row, day, register)
    except Problem as refused:
        return refused
    return None


def _withdraw(session: Session, suspects: Sequence[uuid.UUID], day: date, law: Tariff) -> int:
    """Take out those that are still in the shop and still refused, now that nobody can change them."""
    own = (Listing.id.in_(suspects), Listing.status == "published")
    merchants.hold_still(session, session.scalars(select(Listing.merchant_id).where(*own).distinct()))
    locked = select(Listing).where(*own).order_by(Listing.id).with_for_update()
    rows = session.scalars(locked.execution_options(populate_existing=True)).all()
    register = establishments.register_of(session, rows)
    closed = []
    for row in rows:
        refused = refusal(row, day, register)
        if refused is not None:
            found = closures(refused, law)
            listings.close(row, [reason(each, day) for each in found])
            closed.append((row, found))
    listings.store_many(session, [row for row, _ in closed], ACTOR)
    for row, found in closed:
        _tell(session, row, found, day, law)
    return len(closed)


def _tell(session: Session, row: Listing, found: list[dict[str, Any]], day: date, law: Tariff) -> None:
    told = {"day": day.isoformat(), "edition": law.edition, "closures": found}
    about = {"sku": row.sku, "title": {"zh": row.title_zh, "en": row.title_en}}
    audit.record(session, ACTOR, notices.CLOSED_BY_LAW, "listing", row.id, version=row.version, **told)
    notices.tell(session, row.merchant_id, notices.CLOSED_BY_LAW, row.id, {**about, **told})


def closures(refused: Problem, law: Tariff) -> list[dict[str, Any]]:
    """The rules behind a refusal as {code, field, rule, source}."""
    rules: Any = refused.extra.get("rules") or ([refused.extra["rule"]] if "rule" in refused.extra else None)
    if rules is None:
        own = f"customs tariff, edition {law.edition[:12]}"
        rules = [{"field": field, "rule": texts[0], "source": own} for field, texts in refused.errors.items()]
    return [{"code": refused.code, **rule} for rule in rules]


def reason(closure: dict[str, Any], day: date) -> str:
    """One rule as a reason of the listing: the day, the code, what it says and where that stands."""
    return f"{day} {closure['code']}: {closure['field']}: {closure['rule']} [{closure['source']}]"
