"""The fast way says yes exactly when the slow way finds nothing, and writes what a library would."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from customs.window.checks import field_violations
from customs.window.messages import DECLARATION, Built, Extension, MessageRefused, build, canonical, parse, validate
from customs.window.plans import Plan, head_plan
from customs.window.tables import NAMESPACE, message_types
from customs.window.values import new_guid
from tests.customs.window.facts import TRANSFER, documents, filing
from tests.customs.window.samples import OUTGOING, ours

HEAD = message_types()["621"].head_fields
GOOD = documents(filing())["621"]

anything = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.text(alphabet="0123456789", max_size=20),
    st.sampled_from(
        ["1", "2", "142", "1210", "9610", "I", "DXP", "20261123", "20260230", "20261123040506", "𠮷", "\u2028"]
    ),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.integers(-5, 10**20),
    st.booleans(),
    st.floats(),
    st.binary(max_size=3),
)


@settings(max_examples=600, deadline=None)
@given(st.dictionaries(st.sampled_from([field.element for field in HEAD] + ["stranger"]), anything, max_size=4))
def test_the_fast_way_and_the_slow_way_agree(changes):
    values = {**GOOD, **changes}
    assert (head_plan("621").write(values) is None) == bool(field_violations(HEAD, "", values, ("lines",)))


@settings(max_examples=300, deadline=None)
@given(st.decimals(min_value=0, allow_nan=False, allow_infinity=False))
def test_numbers_are_written_as_they_are(number):
    written = head_plan("621").write({**GOOD, "freight": number})
    if written is not None:
        text = etree.fromstring(f'<x xmlns:ceb="{NAMESPACE}">{written}</x>').findtext(f".//{{{NAMESPACE}}}freight")
        assert Decimal(text) == number
        assert "E" not in text
        assert text == "0" or not (text.endswith("0") and "." in text)


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=60), st.text(alphabet="<>&'\"]]>;# 中\u00a0\u3000", min_size=1, max_size=60))
def test_what_is_written_is_canonical_and_reads_back(name, address):
    document = {**ours("311"), "consignee": name, "consigneeAddress": address}
    if validate("311", [document], TRANSFER, new_guid()):
        return
    xml = build("311", [document], TRANSFER, new_guid())
    assert xml == DECLARATION + canonical(etree.fromstring(xml))
    read = parse(xml).documents[0]
    assert (read["consignee"], read["consigneeAddress"]) == (name, address)


@pytest.mark.parametrize("kind", OUTGOING)
def test_every_kind_is_written_in_canonical_form(kind):
    many = 1 if message_types()[kind].documents_max == 1 else 3
    xml = build(kind, [{**ours(kind), "guid": new_guid()} for _ in range(many)], TRANSFER, new_guid())
    assert xml.canonical == canonical(etree.fromstring(xml))
    assert len(parse(xml).documents) == many


def test_an_extended_message_is_in_canonical_form_too():
    content = b'<a xmlns:ceb="%s" z="1" a="2"><!-- x --><ceb:b/>\r\n</a>' % NAMESPACE.encode()
    xml = build("411", [ours("411")], TRANSFER, new_guid(), Extension("own", "1", content))
    assert isinstance(xml, Built)
    assert xml.canonical == canonical(etree.fromstring(xml))


def test_the_order_in_which_values_are_given_does_not_matter():
    document, guid = ours("621"), new_guid()
    backwards = {name: document[name] for name in reversed(document)}
    backwards["lines"] = [{name: each[name] for name in reversed(each)} for each in document["lines"]]
    assert build("621", [backwards], TRANSFER, guid) == build("621", [document], TRANSFER, guid)


def test_shapes_are_kept_in_bounds(monkeypatch):
    monkeypatch.setattr("customs.window.plans._SHAPES_MAX", 5)
    plan = Plan("InventoryHead", HEAD, "lines")
    names = [field.element for field in HEAD if not field.required]
    for name in names:
        plan.write({key: value for key, value in GOOD.items() if key != name})
    assert len(plan._shapes) <= 5


def test_a_refusal_always_names_something():
    with pytest.raises(MessageRefused) as refused:
        build("621", [{}], TRANSFER, new_guid())
    assert len(refused.value.violations) > 30


def test_a_message_longer_than_the_window_takes_is_refused():
    document = documents(filing())["621"]
    lines = [{**document["lines"][0], "gnum": number} for number in range(1, 100)]
    many = [{**document, "guid": new_guid(), "lines": lines} for _ in range(100)]
    with pytest.raises(MessageRefused, match="fewer documents"):
        build("621", many, TRANSFER, new_guid())
    assert build("621", many[:60], TRANSFER, new_guid())
