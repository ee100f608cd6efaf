"""What the law closes overnight leaves the shop with its rule; what it opens again may come back."""

from __future__ import annotations

import csv
import shutil
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text

from catalog import compliance, establishments, listings, notices, recheck
from catalog.models import LawCheck, Listing
from core import clock, config
from core.audit import AuditEntry
from core.config import ClockSetting
from core.database import db, transaction
from core.errors import Problem
from customs import edition
from tests.catalog import builders
from tests.catalog.builders import Seller

DATA = Path(__file__).parents[2] / "customs" / "data"
MANAGE = "/api/v1/catalog/manage"


@pytest.fixture
def on() -> Iterator[Callable[[str], None]]:
    """Set the clock to a Beijing instant."""

    def move(instant: str) -> None:
        clock.set_clock(ClockSetting(fixed=datetime.fromisoformat(f"{instant}+08:00").astimezone(UTC)))

    yield move
    clock.set_clock(ClockSetting())


@pytest.fixture
def law(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Apply an edition whose files were changed: `law(table=change)`, change takes rows and gives rows."""
    before = edition.tariff()

    def apply(**changes: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> None:
        folder = tmp_path / uuid.uuid4().hex
        shutil.copytree(DATA, folder)
        for table, change in changes.items():
            path = folder / f"{table}.csv"
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                names, rows = list(reader.fieldnames or ()), list(reader)
            changed = sorted(change(rows), key=lambda row: [row[name] for name in names])
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, names, lineterminator="\n")
                writer.writeheader()
                writer.writerows(changed)
        edition.load(folder)

    yield apply
    edition.set_tariff(before)


def ban(origin: str, hs: str, first_day: str) -> Callable[[list[dict[str, str]]], list[dict[str, str]]]:
    made = {"id": "TEST-BAN", "origin": origin, "hs": hs, "kind": "ban", "text": "tests' ban", "first_day": first_day,
            "last_day": "", "source": "japan-2023", "standing": "secondary"}  # fmt: skip
    return lambda rows: [*rows, {name: made.get(name, "") for name in rows[0]}]


def row_of(listing: uuid.UUID) -> Listing:
    db.session.rollback()
    return db.session.scalars(
        select(Listing).where(Listing.id == listing).execution_options(populate_existing=True)
    ).one()


def test_a_ban_of_the_new_day_takes_the_listing_out_and_tells_why(
    client: Any, seller: Seller, on: Callable[[str], None], law: Callable[..., None]
) -> None:
    law(bans=ban("CA", "0306", "2026-11-11"))
    on("2026-11-10T23:59:00")
    closed, spared = builders.publish(seller, builders.retail()), builders.publish(seller, builders.general())
    recheck.recheck()
    assert row_of(closed).status == "published", "on the eve it is still allowed"
    on("2026-11-11T00:00:01")
    recheck.recheck()
    row = row_of(closed)
    assert (row.status, row.shown, row.needs_review) == ("withdrawn", False, False)
    (reason,) = row.reasons
    assert reason.startswith("2026-11-11 origin_banned: origin: 0306120000 of CA")
    assert "since 2026-11-11 (TEST-BAN)" in reason
    assert edition.tariff().sources["japan-2023"]["title"] in reason
    assert row_of(spared).status == "published"
    assert client.get(f"/api/v1/catalog/listings/{closed}").status_code == 404
    (notice,) = client.get(f"{MANAGE}/notices?unread=1", headers=seller.bearer).get_json()["items"][:1]
    assert (notice["kind"], notice["listing_id"]) == ("listing_closed_by_law", str(closed))
    assert notice["data"]["closures"][0]["code"] == "origin_banned"
    assert (notice["data"]["day"], notice["data"]["edition"]) == ("2026-11-11", edition.tariff().edition)
    kept = db.session.execute(text("SELECT data FROM audit_entry WHERE action = 'listing_closed_by_law'")).scalar_one()
    assert kept["closures"] == notice["data"]["closures"]
    done = db.session.get_one(LawCheck, (date(2026, 11, 11), edition.tariff().edition))
    assert (done.checked, done.withdrawn, done.finished_at is not None) == (2, 1, True)


def test_when_the_law_opens_again_the_merchant_publishes_again(
    client: Any, seller: Seller, on: Callable[[str], None], law: Callable[..., None]
) -> None:
    on("2026-12-31T12:00:00")
    listing = builders.publish(seller, builders.retail())
    before = edition.tariff()
    law(bans=ban("CA", "0306", "2027-01-01"))
    on("2027-01-01T00:00:01")
    recheck.recheck()
    again = f"{MANAGE}/listings/{listing}/publish"
    bearer = builders.bearer(seller.owner)  # the token of last year is over
    refused = client.post(again, headers=bearer)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "origin_banned")
    assert row_of(listing).status == "withdrawn"
    edition.set_tariff(before)
    answer = client.post(again, headers=bearer).get_json()
    assert (answer["status"], answer["reasons"]) == ("published", [])
    assert client.get(f"/api/v1/catalog/listings/{listing}").status_code == 200


def test_a_line_that_leaves_the_list_and_a_code_that_ends(
    client: Any, seller: Seller, on: Callable[[str], None], law: Callable[..., None]
) -> None:
    on("2026-12-31T12:00:00")
    lobster, beef = builders.publish(seller, builders.retail()), builders.publish(seller, builders.general())

    def ends(hs: str, field: str = "hs") -> Callable[[list[dict[str, str]]], list[dict[str, str]]]:
        def change(rows: list[dict[str, str]]) -> list[dict[str, str]]:
            return [
                {**row, "last_day": "2026-12-31"} if row[field] == hs and not row["last_day"] else row for row in rows
            ]

        return change

    law(positive_list=ends("03061200"), lines=ends("0202300090"))
    recheck.recheck()
    assert (row_of(lobster).status, row_of(beef).status) == ("published", "published"), "the new edition, the old day"
    on("2027-01-01T00:00:01")
    recheck.recheck()
    assert row_of(lobster).reasons[0].startswith("2027-01-01 not_on_positive_list: hs: 03061200 is not on")
    assert row_of(beef).reasons[0].startswith("2027-01-01 code_not_in_force: hs:")
    assert edition.tariff().edition[:12] in row_of(beef).reasons[0]


def test_in_production_the_end_of_what_was_read_closes(
    client: Any, seller: Seller, on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """US goods after 10 November and Canadian lobster after 31 December 2026 lie outside coverage (rule A12)."""
    on("2026-11-10T12:00:00")
    lobster = builders.publish(seller, builders.retail())
    honey = builders.publish(seller, builders.retail(origin="US"))
    monkeypatch.setattr(type(config.current()), "production", property(lambda _: True))
    listed = type(edition.tariff()).positive_list

    def read(*args: Any) -> Any:
        entry = listed(*args)
        return entry and replace(entry, standing="official")

    monkeypatch.setattr(type(edition.tariff()), "positive_list", read)
    recheck.recheck()
    assert (row_of(lobster).status, row_of(honey).status) == ("published", "published")
    on("2026-11-11T00:00:01")
    recheck.recheck()
    assert (row_of(lobster).status, row_of(honey).status) == ("published", "withdrawn")
    assert row_of(honey).reasons[0].startswith("2026-11-11 outside_coverage")
    on("2027-01-01T00:00:01")
    recheck.recheck()
    assert row_of(lobster).reasons[0].startswith("2027-01-01 outside_coverage")


def test_a_plant_that_loses_its_registration(seller: Seller, on: Callable[[str], None], tmp_path: Path) -> None:
    on("2026-11-30T12:00:00")
    listing = builders.publish(seller, builders.general())
    path = tmp_path / "register.csv"
    path.write_text(
        "country,number,name,hs,valid_from,valid_to,standing\nAU,0412,P,02,2024-01-01,2026-11-30,registered\n"
    )
    establishments.load(path, "tests")
    recheck.recheck()
    assert row_of(listing).status == "published"
    on("2026-12-01T00:00:01")
    recheck.recheck()
    assert row_of(listing).reasons[0].startswith("2026-12-01 establishment_refused")


def test_a_register_that_is_loaded_is_held_to_the_same_day(
    seller: Seller, on: Callable[[str], None], tmp_path: Path
) -> None:
    on("2026-11-30T12:00:00")
    listing = builders.publish(seller, builders.general())
    recheck.recheck()
    path = tmp_path / "register.csv"
    path.write_text("country,number,name,hs,valid_from,valid_to,standing\nAU,0412,P,02,2024-01-01,,suspended\n")
    establishments.load(path, "tests")
    recheck.recheck()
    assert row_of(listing).status == "withdrawn"
    assert row_of(listing).reasons[0].startswith("2026-11-30 establishment_refused")


def test_it_runs_once_a_day_and_edition(
    seller: Seller, law: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    builders.publish(seller, builders.retail())
    asked: list[Any] = []
    real = compliance.check_law
    monkeypatch.setattr(compliance, "check_law", lambda *args: (asked.append(args[1]), real(*args))[1])
    recheck.recheck()
    recheck.recheck()
    assert len(asked) == 1
    law(bans=ban("CA", "9999", "2030-01-01"))
    recheck.recheck()
    assert len(asked) == 2, "a new edition is a new check"


def test_a_killed_run_goes_on_where_it_was(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sorted(builders.publish(seller, builders.retail()) for _ in range(5))
    monkeypatch.setattr(recheck, "BATCH", 2)
    seen: list[uuid.UUID] = []
    real = compliance.check_law

    def watched(row: Any, *args: Any) -> None:
        if len(seen) == 3:
            seen.append(row.id)
            raise KeyboardInterrupt
        seen.append(row.id)
        real(row, *args)

    monkeypatch.setattr(compliance, "check_law", watched)
    with pytest.raises(KeyboardInterrupt):
        recheck.recheck()
    db.session.rollback()
    recheck.recheck()
    assert seen == [*made[:4], *made[2:]], "the batch that was not finished is seen again, the one before is not"
    done = db.session.get_one(LawCheck, (clock.today(), edition.tariff().edition))
    assert (done.checked, done.withdrawn) == (5, 0)


def test_what_changed_before_the_lock_is_looked_at_again(
    seller: Seller, law: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading and locking the merchant withdraws: nothing is told twice, nothing is overwritten."""
    listing = builders.publish(seller, builders.retail())
    law(bans=ban("CA", "0306", clock.today().isoformat()))
    real = recheck._withdraw

    def late(session: Any, suspects: Any, *args: Any) -> int:
        with db.engine.begin() as other:
            other.execute(
                text("UPDATE listing SET status = 'withdrawn', shown = false WHERE id = :id"), {"id": listing}
            )
        return real(session, suspects, *args)

    monkeypatch.setattr(recheck, "_withdraw", late)
    recheck.recheck()
    assert row_of(listing).reasons == []
    assert notices.own_page(seller.id, unread=False, limit=9, cursor=None)["items"][0]["kind"] == "listing_published"


def many(seller: Seller, count: int) -> None:
    """So many copies of one published listing."""
    model = builders.publish(seller, builders.retail())
    with transaction() as session:
        columns = [column.name for column in Listing.__table__.columns if column.name not in ("id", "sku")]
        names = ", ".join(columns)
        session.execute(text(
            f"INSERT INTO listing (id, sku, {names}) SELECT gen_random_uuid(), left(id::text, 23) || n, {names}"
            " FROM listing, generate_series(1, :count) AS n WHERE listing.id = :model"
        ), {"count": count, "model": model})  # fmt: skip


def test_statements_and_memory_do_not_grow_with_the_shop(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,200 listings no more is held at once than of 300."""
    monkeypatch.setattr(recheck, "BATCH", 100)
    many(seller, 300)
    recheck.recheck()  # the law's own tables are read and kept the first time
    peaks, counts = [], []
    for _ in range(2):
        with transaction() as session:
            session.execute(text("DELETE FROM law_check"))
        statements: list[str] = []

        def hear(_c: Any, _u: Any, statement: str, *_: Any, heard: list[str] = statements) -> None:
            heard.append(statement)

        event.listen(db.engine, "before_cursor_execute", hear)
        tracemalloc.start()
        recheck.recheck()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        event.remove(db.engine, "before_cursor_execute", hear)
        counts.append(len(statements))
        many(seller, 900)
    assert peaks[1] < peaks[0] * 1.5 + 200_000
    assert counts[1] <= counts[0] * 4.2


def test_a_unit_above_the_weight_cap_is_never_listed(client: Any, seller: Seller, law: Callable[..., None]) -> None:
    """A cap covers all lines of its group; a unit heavier than the cap can be sold to nobody."""

    def capped(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{**row, "cap_kg": "2", "cap_group": "lobster"} if row["hs"] == "03061200" else row for row in rows]

    law(positive_list=capped)
    heavy = builders.retail(net_weight_kg="2.1", gross_weight_kg="3", statutory={"unit1_quantity": "2.1"})
    answer = client.post(f"{MANAGE}/listings", json=heavy, headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "above_weight_cap")
    assert "2 kg of lobster" in answer.get_json()["errors"]["net_weight_kg"][0]
    light = builders.retail(net_weight_kg="2", gross_weight_kg="3", statutory={"unit1_quantity": "2"})
    made = client.post(f"{MANAGE}/listings", json=light, headers=seller.bearer).get_json()
    found = client.get(f"{MANAGE}/listings/{made['id']}/requirements", headers=seller.bearer).get_json()["items"]
    assert "weight_cap" in {each["code"] for each in found}


def test_a_remark_of_the_list_is_shown_to_the_merchant(client: Any, seller: Seller, law: Callable[..., None]) -> None:
    def remarked(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{**row, "remark": "only whole lobster"} if row["hs"] == "03061200" else row for row in rows]

    law(positive_list=remarked)
    listing = builders.draft(seller, builders.retail())
    found = client.get(f"{MANAGE}/listings/{listing}/requirements", headers=seller.bearer).get_json()["items"]
    remark = next(each for each in found if each["code"] == "positive_list_remark")
    assert "only whole lobster" in remark["detail"]


def test_who_approves_confirms_the_remark(
    client: Any, seller: Seller, operator: dict[str, str], law: Callable[..., None]
) -> None:
    """The list's words name goods of a code that no field of a listing tells apart: a person looks, and is kept."""

    def remarked(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{**row, "remark": "only whole lobster"} if row["hs"] == "03061200" else row for row in rows]

    def confirmed() -> list[Any]:
        rows = db.session.scalars(select(AuditEntry).filter_by(action="remark_confirmed")).all()
        return [(row.object_id, row.actor, row.data["row"], row.data["remark"], row.data["version"]) for row in rows]

    builders.publish(seller, builders.retail())
    assert confirmed() == []
    law(positive_list=remarked)
    listing = builders.draft(seller, builders.retail())
    client.post(f"{MANAGE}/listings/{listing}/submit", headers=seller.bearer)
    path = "/api/v1/catalog/review"
    (waiting,) = client.get(f"{path}/listings", headers=operator).get_json()["items"]
    assert waiting["confirm_remark"]["remark"] == "only whole lobster"
    assert confirmed() == []
    told = client.post(f"{path}/{listing}", json={"decision": "approve"}, headers=operator).get_json()
    who = db.session.scalars(select(AuditEntry.actor).filter_by(action="listing_approve", object_id=str(listing))).one()
    assert confirmed() == [(str(listing), who, "03061200", "only whole lobster", told["version"])]


def test_a_suspended_merchants_listing_is_checked_too(seller: Seller, law: Callable[..., None]) -> None:
    from catalog import merchants

    listing = builders.publish(seller, builders.retail())
    merchants.decide("tests", seller.id, "suspend", "tests")
    law(bans=ban("CA", "0306", clock.today().isoformat()))
    recheck.recheck()
    assert row_of(listing).status == "withdrawn"


def test_the_command_says_what_it_did(app: Any, seller: Seller) -> None:
    builders.publish(seller, builders.retail())
    done = app.test_cli_runner().invoke(args=["listings", "recheck"])
    assert (done.exit_code, done.output.strip()) == (0, "1 listings checked, 0 withdrawn")


def test_notices_are_the_merchants_own(client: Any, seller: Seller, other_seller: Seller) -> None:
    listing = builders.draft(seller, builders.retail())
    listings.move("tests", seller.id, listing, "submit")
    listings.review("tests", listing, "reject", "<b>照片不符</b>")
    (notice,) = client.get(f"{MANAGE}/notices", headers=seller.bearer).get_json()["items"]
    assert (notice["kind"], notice["data"]["reason"], notice["read_at"]) == ("listing_draft", "<b>照片不符</b>", None)
    path = f"{MANAGE}/notices/{notice['id']}/read"
    assert client.post(path, headers=other_seller.bearer).status_code == 404
    assert client.get(f"{MANAGE}/notices", headers=other_seller.bearer).get_json()["items"] == []
    first = client.post(path, headers=seller.bearer).get_json()["read_at"]
    assert first is not None
    assert client.post(path, headers=seller.bearer).get_json()["read_at"] == first
    assert client.get(f"{MANAGE}/notices?unread=1", headers=seller.bearer).get_json()["items"] == []


def test_every_refusal_of_the_law_becomes_a_rule_with_its_source(app: Any) -> None:
    """Whatever shape a Problem has, the closure names code, field, rule and source."""
    law = edition.tariff()
    for problem in (
        Problem("code_unknown", errors={"hs": ["no such code"]}),
        Problem("origin_banned", errors={"origin": ["x"]}, rule={"field": "origin", "rule": "x", "source": "y"}),
        Problem("listing_incomplete", errors={}, rules=[{"field": "gtin", "rule": "x", "source": "y"}]),
    ):
        for closure in recheck.closures(problem, law):
            assert all(closure[name] for name in ("code", "field", "rule", "source"))
