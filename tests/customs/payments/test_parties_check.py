"""Everybody a document can name, and what customs would say: the file, the warehouses, the merchants."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from core.database import db
from customs import filing_documents, parties_check, warehouses
from customs.parties_check import Named, Seller
from tests.customs.desk import builders

DAY = date(2026, 11, 23)
AGENT = "91350100M000100Y43"


@pytest.fixture
def sellers(window: Any, monkeypatch: pytest.MonkeyPatch) -> list[Seller]:
    """The merchants of a floor above."""
    found: list[Seller] = []
    monkeypatch.setattr(parties_check, "sellers", lambda: found)
    return found


def everybody() -> list[Named]:
    found = parties_check.everybody(db.session(), DAY)
    db.session.rollback()
    return found


def faults() -> dict[tuple[str, str], tuple[str, ...]]:
    return {(each.where, each.role): each.faults for each in everybody() if each.faults}


def test_the_sandbox_s_parties_are_without_fault(sellers: list[Seller]) -> None:
    builders.bonded()
    sellers.append(Seller("测试商家", "4601960M55", "测试商家有限公司"))
    assert faults() == {}
    roles = {(each.where, each.role) for each in everybody()}
    assert {("parties", role) for role in ("platform", "payment", "logistics", "declarant", "transmitter")} <= roles
    assert {("宁波保税仓", role) for role in ("logistics", "declarant", "zone", "guarantor")} <= roles
    assert ("测试商家", "merchant") in roles


def test_a_warehouse_may_bring_its_own(sellers: list[Seller]) -> None:
    other = {"agent": {"code": "4601980D99", "name": "别的报关"}, "guarantor": "merchant"}
    warehouses.add("test", {**builders.BONDED, **other, "name": "另一保税仓"})
    found = {each.role: each for each in everybody() if each.where == "另一保税仓"}
    assert found["declarant"].company.code == "4601980D99"
    assert "guarantor" not in found  # the merchant stands for the tax


def test_wrong_codes_of_a_warehouse_are_named(sellers: list[Seller]) -> None:
    warehouses.add("test", {**builders.BONDED, "name": "错码仓", "area_code": "99ABCDEFGH"})
    assert list(faults()) == [("错码仓", "zone")]


def test_a_merchant_without_code_or_agent_is_named(sellers: list[Seller]) -> None:
    sellers += [
        Seller("no code", None, "某公司"),
        Seller("no agent", "4601960M56", "代理", foreign=True),
        Seller("wrong agent", "4601960M57", "代理", foreign=True, agent_code="91350100M000100Y44"),
        Seller("good", "4601960M58", "代理", foreign=True, agent_code=AGENT),
    ]
    assert {where for where, _ in faults()} == {"no code", "no agent", "wrong agent"}
    assert faults()["no code", "merchant"] == ("sells nothing in cross-border retail without a customs code",)


def test_a_registration_that_is_over_is_named(sellers: list[Seller], monkeypatch: pytest.MonkeyPatch) -> None:
    own = filing_documents.parties()
    over = replace(own, declarant=replace(own.declarant, last_day=date(2026, 11, 22)))
    monkeypatch.setattr(filing_documents, "parties", lambda: over)
    builders.bonded()
    assert set(faults()) == {("parties", "declarant"), ("宁波保税仓", "declarant")}


def test_the_command(app: Any, sellers: list[Seller]) -> None:
    shell = app.test_cli_runner()
    good = shell.invoke(args=["window", "parties"])
    assert good.exit_code == 0
    assert "no fault" in good.output
    assert "payments are declared by: own" in good.output
    sellers.append(Seller("no code", None, "某公司"))
    bad = shell.invoke(args=["window", "parties"])
    assert bad.exit_code == 1
    assert "! sells nothing in cross-border retail without a customs code" in bad.output
