"""Entries that clash with what lies in the zone already: said before customs releases them, and never a dead end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.errors import Problem
from customs.zone_stock import differences, entries
from customs.zone_stock.moves import Told
from tests.catalog import builders as catalogue
from tests.customs.zone.builders import Zone, balance, bring_in, draft, line, step


def test_a_batch_that_cannot_join_its_lot_is_refused_at_the_check(zone: Zone) -> None:
    """Not on arrival, when customs has released the goods and no step is left."""
    first = line(zone, batch_no="B-7")
    bring_in(zone, first)
    other_day = line(zone, batch_no="B-7", expires_on=first["expires_on"] + timedelta(days=1))
    catalogue.receive(zone.seller, zone.listing, zone.warehouse, "5", item_record_no="LOOSE", batch_no="B-8")
    other_number = line(zone, batch_no="B-8")
    twice = line(zone, batch_no="B-9"), line(zone, batch_no="B-9", expires_on=other_day["expires_on"])
    for lines, field in (
        ((line(zone), other_day), "lines.1.batch_no"),
        ((other_number,), "lines.0.batch_no"),
        (twice, "lines.1.batch_no"),
    ):
        entry_id = draft(zone, *lines)
        step(entry_id, "submit")
        step(entry_id, "record")
        with pytest.raises(Problem) as refused:
            step(entry_id, "check")
        assert list(refused.value.errors or {}) == [field]
        assert step(entry_id, "cancel")["status"] == "cancelled"


def test_a_released_entry_that_cannot_arrive_is_cancelled_by_customs(zone: Zone) -> None:
    """Another entry brought the batch in meanwhile under another day; nothing of this one is on the book."""
    ours, theirs = (line(zone, batch_no="B-7", expires_on=clock.today() + timedelta(days=days)) for days in (400, 401))
    entry_id = draft(zone, ours)
    for name in ("submit", "record", "check", "release"):
        step(entry_id, name)
    bring_in(zone, theirs)
    with pytest.raises(Problem, match="under another number or day"):
        step(entry_id, "arrive")
    with pytest.raises(Problem) as refused:
        entries.take("tests", "merchant", entry_id, "cancel", Told(), owner=zone.seller.id)
    assert refused.value.code == "forbidden"
    assert step(entry_id, "cancel")["status"] == "cancelled"
    assert (balance(zone), differences.report()) == (("100", "0"), [])


def test_a_serial_number_is_not_one_that_a_loose_lot_carries(zone: Zone) -> None:
    """Else its goods are taken for those of the new item."""
    loose = catalogue.publish(zone.seller, catalogue.retail(mode="1210"))
    for number in ("1", "3"):
        catalogue.receive(zone.seller, loose, zone.warehouse, "5", item_record_no=number)
    other = catalogue.publish(zone.seller, catalogue.retail(mode="1210"))
    entry = bring_in(zone, line(zone), line(zone, listing_id=other))
    assert [each["item_record_no"] for each in entry["lines"]] == ["2", "4"]
