"""The tables: every constraint of every field we send is enforced by name, and every field says where it comes from."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from customs.window.checks import Violation
from customs.window.messages import validate
from customs.window.plans import head_plan, line_plan
from customs.window.tables import Field, message_types, transfer_fields
from customs.window.values import new_guid
from tests.customs.window.facts import TRANSFER, direct, documents, filing
from tests.customs.window.samples import OUTGOING, ours

SENDERS = {
    "filing", "constant", "order", "request", "platform", "merchant", "payment enterprise", "payer", "logistics", "buyer",
    "consignee", "declarant", "guarantor", "warehouse", "shipment", "listing", "law", "lot", "licence", "customs", "nobody",
}  # fmt: skip


def bad_values(field: Field) -> Iterator[tuple[Any, str]]:
    """Values that break one constraint of the field, with a word of the rule."""
    if field.type == "decimal":
        yield Decimal(-1), "negative"
        yield Decimal("NaN"), "finite"
        yield Decimal("Infinity"), "finite"
        yield 1.5, "not float"
        yield "1", "not str"
        yield Decimal(1).scaleb(-field.fraction - 1), "decimal places"
        yield Decimal(1).scaleb((field.max or 0) - field.fraction), "digits before the point"
        return
    if field.type == "int":
        yield 0, "at least 1"
        yield True, "whole number"
        yield Decimal(1), "whole number"
        yield 10 ** (field.max or 0), "digits"
    else:
        yield 1, "must be text"
        yield "", "blank"
        yield " \u3000", "blank"
        yield "a\nb", "control characters"
        yield "a\ud800", "control characters"
        yield "x" * ((field.max or 0) + 1), "at most"
        if field.min > 1:
            yield "1" * (field.min - 1), "at least"
    if field.values:
        yield (9 if field.type == "int" else "~"), "must be"
    broken = {
        "guid": ("a94f6c9a-6d9a-4b47-9b54-0b0f4c1d9a11", "upper-case UUID"),
        "digits": ("１" * field.min, "digits only"),
        "identity": ("110105194912310021", "check character"),
        "time14": ("20260229000000", "existing time"),
        "day8": ("20261301", "existing time"),
    }
    if field.format in broken:
        yield broken[field.format]


def breaches(kind: str, document: dict[str, Any]) -> list[Violation]:
    return validate(kind, [document], TRANSFER, new_guid())


@pytest.mark.parametrize("kind", OUTGOING)
def test_every_constraint_of_every_field_is_enforced_by_name(kind):
    message, good = message_types()[kind], ours(kind)
    assert breaches(kind, good) == []
    head = f"{message.document}[1]/{message.head}" if message.head else f"{message.document}[1]"
    for field in message.head_fields:
        for value, word in [*bad_values(field), *([(None, "required")] if field.required else [])]:
            found = [
                rule for at, rule in breaches(kind, {**good, field.element: value}) if at == f"{head}/{field.element}"
            ]
            assert any(word in rule for rule in found), (field.element, value, found)
            assert head_plan(kind).write({**good, field.element: value}) is None, (field.element, value)
    for field in message.line_fields:
        for value, word in [*bad_values(field), *([(None, "required")] if field.required else [])]:
            lines = [{**good["lines"][0], field.element: value}, *good["lines"][1:]]
            path = f"{message.document}[1]/{message.lines}[1]/{field.element}"
            found = [rule for at, rule in breaches(kind, {**good, "lines": lines}) if at == path]
            assert any(word in rule for rule in found), (field.element, value, found)
            assert line_plan(kind).write(lines[0]) is None, (field.element, value)


@pytest.mark.parametrize("kind", OUTGOING)
def test_unknown_elements_and_wrong_counts_of_lines_are_named(kind):
    message, good = message_types()[kind], ours(kind)
    assert [rule for at, rule in breaches(kind, {**good, "new": "1"}) if at.endswith("/new")] == [
        "no such element here"
    ]
    if message.lines:
        for lines in ([], good["lines"] * (message.lines_max + 1)):
            found = [rule for at, rule in breaches(kind, {**good, "lines": lines}) if at.endswith(f"/{message.lines}")]
            assert found == [f"1 to {message.lines_max} lines, here {len(lines)}"]
    else:
        assert breaches(kind, {**good, "lines": [{}]}) != []


def test_every_field_says_where_it_comes_from():
    for message in message_types().values():
        allowed = SENDERS if message.outgoing else {"customs", "echo"}
        for field in (*message.head_fields, *message.line_fields):
            assert field.source in allowed, (message.kind, field.element, field.source)
            assert not (field.required and field.source == "nobody"), (message.kind, field.element)
    assert all(
        field.source for group in ("BaseTransfer", "BaseSubscribe", "ExtendMessage") for field in transfer_fields(group)
    )


@pytest.mark.parametrize("kind", OUTGOING)
def test_what_nobody_supplies_is_left_out_and_all_else_is_there(kind):
    message = message_types()[kind]
    made = (
        [ours(kind)] if kind not in documents(filing()) else [documents(order)[kind] for order in (filing(), direct())]
    )
    for fields, values in (
        (message.head_fields, made),
        (message.line_fields, [d["lines"][0] for d in made if message.lines]),
    ):
        supplied = {field.element for field in fields if field.source != "nobody"}
        told = {name for each in values for name in each} - {"lines"}
        assert told <= supplied, told - supplied
        assert supplied - told <= {"invtNo"}, supplied - told
