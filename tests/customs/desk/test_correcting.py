"""What customs sends back is corrected and filed again, or given up; money, allowance and stock stay as they are."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock, config
from core.config import ClockSetting
from core.database import db, transaction
from core.errors import Problem
from customs import declarations, filing
from customs.correcting import giving_up, refiling
from customs.correcting.fields import correctable
from customs.correction_models import DeclarationCorrection, WindowDocumentVersion
from customs.models import Declaration
from customs.quarantine import views
from customs.quarantine.views import Filter
from customs.receipt_targets import AFTER_ALL
from customs.window.messages import parse
from customs.window.refilings import refiling_of
from customs.window.statuses import faults
from tests.customs.desk.builders import NUMBER, Caller, at, documents, receipt, status_of
from tests.customs.desk.test_filing import INVT, listed, opened, papers_received, take
from tests.customs.desk.window import FakeWindow


def sent_back(window: FakeWindow, code: str = "100", *before: str) -> uuid.UUID:
    """A list that customs has sent back."""
    config.use(replace(config.current(), mend_rejected=True))  # the window's fixture puts the settings back
    found = listed(window)
    for second, status in enumerate((*before, code), 5):
        take(receipt(found, "621", status, at(second), invtNo=INVT))
    return found


def last(window: FakeWindow, kind: str) -> dict[str, Any]:
    return parse(next(xml for each, _, xml in reversed(window.sent) if each == kind)).documents[0]


def again(found: uuid.UUID, **changes: Any) -> None:
    refiling.file_again(found, "desk", changes, "as customs asked")
    filing.file(str(found))


def mend_until(found: uuid.UUID) -> datetime | None:
    until = db.session.scalars(select(Declaration.mend_until).where(Declaration.id == found)).one()
    db.session.rollback()
    return until


def test_sent_back_it_waits_for_a_person_and_says_until_when(window: FakeWindow, heard: list) -> None:
    found = sent_back(window)
    assert status_of(found) == "rejected"
    assert mend_until(found) == datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
    assert [(state, info["mend_until"]) for _, state, info in heard] == [("rejected", "2026-11-24T04:30:00Z")]


def test_a_list_that_customs_itself_refuses_is_decided(window: FakeWindow, heard: list) -> None:
    """By default nothing waits: the order above is cancelled and paid back (F41)."""
    found = listed(window)
    take(receipt(found, "621", "120", at(5), invtNo=INVT), receipt(found, "621", "100", at(6), invtNo=INVT))
    assert (status_of(found), mend_until(found)) == ("rejected", None)
    assert [info.get("mend_until") for _, state, info in heard if state == "rejected"] == [None]


@pytest.mark.parametrize("together", [True, False])
def test_a_list_released_after_all_is_for_a_person(window: FakeWindow, heard: list, together: bool) -> None:
    """Sent back, and then released: nothing moves, but it is not lost among the repeated ones."""
    found = listed(window)
    sent = [receipt(found, "621", "100", at(6), invtNo=INVT), receipt(found, "621", "800", at(7), invtNo=INVT)]
    for receipts in [sent] if together else [[each] for each in sent]:
        take(*receipts)
    assert status_of(found) == "rejected"
    waiting = views.listing(Filter(), 10)
    assert [row["reason"] for row in waiting] == [AFTER_ALL]
    take(receipt(found, "621", "800", at(4), invtNo=INVT))  # older than the word that ended it
    assert len(views.listing(Filter(), 10)) == 1


@pytest.mark.parametrize("code", ["-621005", "-621018"])
def test_what_no_correction_can_help_is_over_at_once(window: FakeWindow, heard: list, code: str) -> None:
    found = sent_back(window, code)
    assert mend_until(found) is None
    assert [(state, info.get("mend_until")) for _, state, info in heard] == [("rejected", None)]
    with pytest.raises(Problem) as refusal:
        again(found)
    assert refusal.value.code == "declaration_state"


def test_a_list_customs_never_took_is_filed_as_new_under_a_new_guid(window: FakeWindow, heard: list) -> None:
    found = sent_back(window, "-621001")
    old = documents(found)["621"]
    again(found, lines=[{"line": 1, "statutory": ["2.9"]}])
    new = documents(found)["621"]
    assert (new.guid != old.guid, new.invt_no, new.pre_no) == (True, None, None)
    said = last(window, "621")
    assert (said["appType"], said.get("invtNo")) == ("1", None)
    assert said["lines"][0]["qty1"] == "2.9"
    assert status_of(found) == "filed"
    assert [state for _, state, _ in heard] == ["rejected", "refiled"]


def test_a_list_customs_held_is_changed_and_keeps_its_number(window: FakeWindow) -> None:
    found = sent_back(window, "100", "2", "120")
    again(found)
    said = last(window, "621")
    assert (said["appType"], said["invtNo"], said["preNo"]) == ("2", INVT, "B" + "0" * 17)
    assert window.kinds().count("621") == 2
    take(receipt(found, "621", "120", at(20), invtNo=INVT), receipt(found, "621", "800", at(21), invtNo=INVT))
    assert status_of(found) == "released"


def test_a_change_that_other_papers_say_too_changes_them_first(window: FakeWindow) -> None:
    found = sent_back(window)
    before = {kind: document.guid for kind, document in documents(found).items()}
    again(found, consignee_address="北京市北京市朝阳区某路2号")
    assert window.kinds()[4:] == ["311", "511"]
    assert {last(window, kind)["appType"] for kind in ("311", "511")} == {"2"}
    assert last(window, "311")["consigneeAddress"] == "北京市北京市朝阳区某路2号"
    assert documents(found)["411"].guid == before["411"]
    assert status_of(found) == "pending"
    take(receipt(found, "311", "120", at(20)), receipt(found, "511", "120", at(20)))
    filing.file(str(found))
    assert last(window, "621")["consigneeAddress"] == "北京市北京市朝阳区某路2号"
    assert status_of(found) == "filed"


def test_a_change_that_customs_says_comes_too_late_was_not_made(window: FakeWindow) -> None:
    found = sent_back(window)
    again(found, consignee_name="李四四")
    take(receipt(found, "311", "-301011", at(20)))
    assert documents(found)["311"].status == "error"
    assert (status_of(found), mend_until(found)) == ("rejected", None)


def test_a_paper_that_was_sent_back_goes_again_while_the_others_stay(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    take(receipt(found, "511", "-504011", at(2)), receipt(found, "311", "120", at(3)))
    assert status_of(found) == "rejected"
    again(found, gross_weight_kg="3.7")
    assert window.kinds().count("511") == 2
    assert (last(window, "511")["appType"], last(window, "511")["weight"]) == ("1", "3.7")
    take(receipt(found, "411", "120", at(5)), receipt(found, "511", "120", at(6)))
    filing.file(str(found))
    assert last(window, "621")["grossWeight"] == "3.7"


def test_a_correction_made_while_the_documents_are_being_signed_is_what_is_filed(
    window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = opened()
    filing.file(str(found))
    take(receipt(found, "511", "-504011", at(2)), receipt(found, "311", "120", at(3)))
    refiling.file_again(found, "desk", {"gross_weight_kg": "3.7"}, "as customs asked")
    sign = filing.filing_documents.sign

    def meanwhile(*said: Any) -> Any:
        monkeypatch.undo()
        refiling.file_again(found, "desk", {"gross_weight_kg": "3.9"}, "weighed again")
        return sign(*said)

    monkeypatch.setattr(filing.filing_documents, "sign", meanwhile)
    filing.file(str(found))
    assert window.kinds().count("511") == 1  # nothing of what no longer stands
    filing.file(str(found))
    assert last(window, "511")["weight"] == "3.9"


def test_what_was_filed_before_is_kept_with_who_and_why(app: Any, window: FakeWindow) -> None:
    found = sent_back(window)
    old = documents(found)["621"]
    again(found, consignee_phone="13911111111")
    told = Caller(app, "customs").get(f"/customs/declarations/{found}").get_json()["correcting"]
    entry = told["history"][0]
    assert (entry["actor"], entry["reason"], entry["fields"]) == ("desk", "as customs asked", ["consignee_phone"])
    assert entry["filed"] == {"311": "amend", "511": "amend", "621": "new"}
    kept = {each["kind"]: (each["guid"], each["returnStatus"]) for each in entry["documents"]}
    assert kept["621"] == (old.guid, "100")
    row = db.session.scalars(select(WindowDocumentVersion).where(WindowDocumentVersion.guid == old.guid)).one()
    assert row.xml == old.xml
    sealed = db.session.scalars(select(DeclarationCorrection.was)).one()
    db.session.rollback()
    assert b"13900000000" not in sealed


def test_older_receipts_of_what_was_filed_before_change_nothing(window: FakeWindow) -> None:
    found = listed(window)
    late = receipt(found, "621", "120", at(6), invtNo=INVT)
    take(receipt(found, "621", "-621001", at(9), invtNo=INVT))
    again(found)
    take(late)
    assert (documents(found)["621"].status, documents(found)["621"].invt_no) == ("filed", INVT)
    assert status_of(found) == "filed"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"hs": "0306179090"}, "invalid_input", "hs"),
        ({"lines": [{"line": 1, "hs": "0306171000"}]}, "field_fixed", "tax"),
        ({"lines": [{"line": 1, "quantity": "2"}]}, "field_fixed", "allowance"),
        ({"payer_name": "王五"}, "field_fixed", "payment enterprise"),
        ({"tax_fen": 1}, "field_fixed", "declared"),
        ({"lines": [{"line": 2, "title_zh": "虾"}]}, "invalid_input", "1 to 1"),
        ({"lines": [{"line": True, "title_zh": "虾"}]}, "invalid_input", "1 to 1"),
        ({"lines": {"line": 1}}, "invalid_input", "list"),
        ({"consignee_name": ""}, "invalid_input", "characters"),
        ({"consignee_name": "\x00"}, "invalid_input", "characters"),
        ({"consignee_name": "虾" * 101}, "invalid_input", "characters"),
        ({"gross_weight_kg": "1e3"}, "invalid_input", "number"),
        ({"gross_weight_kg": "0"}, "invalid_input", "number"),
        ({"gross_weight_kg": 3.5}, "invalid_input", "number"),
        ({"buyer": "yes"}, "invalid_input", "true"),
        ({"colour": "red"}, "invalid_input", "no field"),
    ],
)
def test_what_is_never_corrected_or_no_value_is_refused(
    window: FakeWindow, changes: dict[str, Any], code: str, words: str
) -> None:
    found = sent_back(window)
    with pytest.raises(Problem) as refusal:
        again(found, **changes)
    assert (refusal.value.code, words in refusal.value.detail) == (code, True), refusal.value.detail
    assert (status_of(found), len(window.sent)) == ("rejected", 4)


def test_a_correction_says_why(window: FakeWindow) -> None:
    found = sent_back(window)
    with pytest.raises(Problem) as refusal:
        refiling.file_again(found, "desk", {"consignee_name": "李四四"}, None)
    assert "reason" in refusal.value.errors


def test_the_buyers_name_is_read_anew_from_the_account(window: FakeWindow) -> None:
    from customs import persons

    account = declarations_account(found := sent_back(window))
    persons.set_identity(account, "张三丰", NUMBER, "13800000001")
    again(found, buyer=True)
    assert (last(window, "311")["buyerName"], last(window, "311")["buyerIdNumber"]) == ("张三丰", NUMBER)


def declarations_account(found: uuid.UUID) -> uuid.UUID:
    snapshot = db.session.scalars(select(Declaration.snapshot).where(Declaration.id == found)).one()
    db.session.rollback()
    return uuid.UUID(snapshot["account_id"])


def test_given_up_by_a_person_it_is_over(window: FakeWindow, heard: list) -> None:
    found = sent_back(window)
    giving_up.give_up(found, "desk", "the goods may not come in")
    assert (status_of(found), mend_until(found)) == ("rejected", None)
    assert [(state, info.get("mend_until") is None) for _, state, info in heard] == [
        ("rejected", False),
        ("rejected", True),
    ]
    with pytest.raises(Problem):
        giving_up.give_up(found, "desk", "twice")


def test_nobody_mends_it_in_time(window: FakeWindow, heard: list) -> None:
    found = sent_back(window)
    clock.set_clock(ClockSetting(fixed=clock.now() + timedelta(hours=23, minutes=59)))
    giving_up.give_up_rejected()
    assert mend_until(found) is not None
    clock.set_clock(ClockSetting(fixed=clock.now() + timedelta(minutes=2)))
    giving_up.give_up_rejected()
    giving_up.give_up_rejected()
    assert mend_until(found) is None
    assert [state for _, state, _ in heard] == ["rejected", "rejected"]


def test_sent_back_anew_it_has_its_own_time(window: FakeWindow) -> None:
    """The clock's round has read it as late; meanwhile it was filed again and sent back once more."""
    found = sent_back(window)
    with pytest.raises(Problem):
        giving_up.give_up(found, "clock", "not corrected in time", late_at=clock.now())
    assert mend_until(found) is not None


def test_without_a_time_for_it_nothing_waits(window: FakeWindow, heard: list) -> None:
    config.use(replace(config.current(), mend_hours=0))
    found = sent_back(window)
    assert mend_until(found) is None


def test_a_cancelled_order_is_not_filed_again(window: FakeWindow) -> None:
    found = sent_back(window)
    with transaction() as session:
        assert declarations.cancel(session, "LF2611230001", "changed my mind") == "cancelled"
    with pytest.raises(Problem):
        again(found)


def test_a_failed_filing_is_corrected_too(window: FakeWindow) -> None:
    found = opened(gross_weight_kg=Decimal(2))
    filing.file(str(found))
    assert status_of(found) == "failed"
    again(found, gross_weight_kg="3.2")
    papers_received(found)
    filing.file(str(found))
    assert (status_of(found), last(window, "621")["grossWeight"]) == ("filed", "3.2")


def test_the_api_files_again_and_gives_up(app: Any, window: FakeWindow) -> None:
    found = sent_back(window)
    path = f"/customs/declarations/{found}"
    for role in ("consumer", "merchant"):
        assert Caller(app, role).post(f"{path}/give-up", {"reason": "x"}).status_code == 403
        assert Caller(app, role).post(f"{path}/file").status_code == 403
    desk = Caller(app, "customs")
    told = desk.get(path).get_json()
    assert told["correcting"]["documents"][0]["how"] == "new"
    paper = next(each for each in told["documents"] if each["kind"] == "621")
    assert paper["advice"]["en"].startswith("Read why in customs' words")
    assert paper["meaning"]["zh"] == "海关退单"
    assert desk.post(f"{path}/file", {"changes": {"x": 1}, "reason": "r"}).status_code == 422
    assert desk.post(f"{path}/file", {"changes": {"consignee_name": "李四四"}, "reason": "r"}).status_code == 202
    assert desk.post(f"{path}/give-up", {"reason": "x"}).status_code == 409
    assert desk.post(f"/customs/declarations/{uuid.uuid4()}/give-up", {"reason": "x"}).status_code == 404


def test_every_fault_has_a_way_and_the_table_of_fields_is_whole() -> None:
    for code, fault in faults().items():
        found = refiling_of(str(code), held=True)
        assert found.why["zh"]
        assert found.why["en"]
        if fault.effect == "refuse":
            assert not found.allowed
    assert (refiling_of("100", False).how, refiling_of("100", True).how) == ("new", "amend")
    assert (refiling_of("-621012", True).how, refiling_of("-621011", True).how) == ("no", "new")
    assert refiling_of("-999999", False).how == "new"
    assert all(bool(field.form) != bool(field.why["en"]) and field.label["zh"] for field in correctable())
