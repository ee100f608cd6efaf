"""The envelope: built and read by its table, held to the schema written from the same table, strict about what comes."""

import base64
from typing import Any

import pytest
from lxml import etree

from customs.window.dxp.envelope import build, read
from customs.window.dxp.inbox import read_content
from customs.window.dxp.schema import xsd
from customs.window.dxp.tables import codes, envelope_of
from customs.window.messages import BYTES_MAX
from customs.window.transport import EnvelopeUnreadable

HEAD = {
    "CopMsgId": "G",
    "SenderId": "S",
    "ReceiverIds": {"ReceiverId": ["R1", "R2"]},
    "CreatTime": "2026-11-23T12:00:00",
    "MsgType": "CEB622Message",
}
KEY = {"@name": "RetType", "text": "1"}
FULL: dict[str, Any] = {
    "@Id": "ID1",
    "TransInfo": HEAD,
    "Data": b"<a/>",
    "AddInfo": {
        "FileName": "a.xml",
        "IcCard": "1",
        "BizKey": {"Key": [KEY, KEY]},
        "IsText": {"@Encode": "UTF-8", "text": ""},
    },
}
RESULT = {"RecId": "R1", "Code": "2001", "Info": "no such receiver", "Note": "n"}
RESPONSE = {
    "NodeId": "N1",
    "ResponseCode": "2001",
    "ResponseInfo": "",
    "Results": {"Result": [RESULT, RESULT]},
    "NoticeTime": "2026-11-23",
    "Note": "n",
    "OriHead": HEAD,
}
ANSWER = {"RecevierId": "S", "AdNodeId": "N", "Response": [RESPONSE, RESPONSE]}


def schema(message: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(xsd(message)))


@pytest.mark.parametrize(("message", "values"), [("DxpMsg", FULL), ("DxpRep", ANSWER)])
def test_built_by_the_table_valid_by_the_schema_and_read_back(message: str, values: dict[str, Any]) -> None:
    made = build(message, values)
    schema(message).assertValid(etree.fromstring(made))
    kind, found = read(made)
    assert (kind, found) == (message, {"@ver": "1.0", **values})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("TransInfo", "CopMsgId"), "", "CopMsgId: must have 1 to 255"),
        (("TransInfo", "CopMsgId"), None, "CopMsgId: stands 0 times"),
        (("TransInfo", "SenderId"), "S" * 17, "SenderId: must have 1 to 16"),
        (("TransInfo", "ReceiverIds"), {"ReceiverId": ["R"] * 6}, "ReceiverId: stands 6 times"),
        (("TransInfo", "ReceiverIds"), {"ReceiverId": []}, "ReceiverId: stands 0 times"),
        (("TransInfo", "CreatTime"), "yesterday", "CreatTime: is not a time"),
        (("TransInfo", "MsgType"), "M" * 31, "MsgType: must have 0 to 30"),
        (("TransInfo", "Colour"), "red", "no Colour here"),
        (("AddInfo", "BizKey"), {"Key": [{"text": "1"}]}, "@name: required"),
        (("@ver",), "2.0", "@ver: must be 1.0"),
    ],
)
def test_what_breaks_the_table_is_not_built(path: tuple[str, ...], value: Any, words: str) -> None:
    values = {**FULL, "TransInfo": dict(HEAD), "AddInfo": dict(FULL["AddInfo"])}
    inner = values
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with pytest.raises(ValueError, match=r"^DxpMsg") as fault:
        build("DxpMsg", values)
    assert words in str(fault.value)


def changed(old: str, new: str) -> bytes:
    made = build("DxpMsg", FULL).decode()
    assert old in made
    return made.replace(old, new).encode()


DATA = base64.b64encode(b"<a/>").decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a/>",
        b"not xml",
        build("DxpMsg", FULL)[:-20],
        changed("chinaport.gov.cn/dxp", "example.com/dxp"),
        changed('ver="1.0"', 'ver="2.0"'),
        changed(' ver="1.0"', ""),
        changed("<dxp:CopMsgId>G</dxp:CopMsgId>", ""),
        changed("<dxp:CopMsgId>G</dxp:CopMsgId>", "<dxp:CopMsgId>G</dxp:CopMsgId>" * 2),
        changed("<dxp:CopMsgId>G</", "<dxp:CopMsgId><dxp:b/>G</"),
        changed("2026-11-23T12:00:00", "2026-13-23T12:00:00"),
        changed(DATA, "***"),
        changed(DATA, ""),
        changed("<?xml version='1.0' encoding='UTF-8'?>", '<!DOCTYPE a [<!ENTITY b "c">]>'),
    ],
)
def test_what_is_no_envelope_is_not_read(content: bytes) -> None:
    with pytest.raises(EnvelopeUnreadable):
        read(content)


def test_newer_elements_and_other_prefixes_are_read_over() -> None:
    made = changed("<dxp:AddInfo>", "<dxp:AddInfo><dxp:Newer>1</dxp:Newer>").replace(b"dxp:", b"").replace(b":dxp", b"")
    assert read(made)[1]["TransInfo"] == HEAD


def test_wrapped_base64_is_read() -> None:
    assert read(changed(DATA, f"\n {DATA[:4]}\r\n{DATA[4:]} "))[1]["Data"] == b"<a/>"


def test_a_message_larger_than_any_of_ours_is_not_taken_out() -> None:
    with pytest.raises(EnvelopeUnreadable, match="holds nothing, or more than"):
        read(build("DxpMsg", {**FULL, "Data": b"x" * (BYTES_MAX + 1)}))


def test_only_what_is_for_us_is_read() -> None:
    assert read_content(build("DxpMsg", FULL), "R2").xml == b"<a/>"
    with pytest.raises(EnvelopeUnreadable, match="for another user"):
        read_content(build("DxpMsg", FULL), "S")
    assert [answer.code for answer in read_content(build("DxpRep", ANSWER), "S").answers] == ["2001", "2001"]
    with pytest.raises(EnvelopeUnreadable, match="of another user"):
        read_content(build("DxpRep", ANSWER), "R1")


def test_the_codes_of_the_exchange() -> None:
    assert {code: known.effect for code, known in codes().items()} == {
        **dict.fromkeys(
            ("0001", "0002", "0999", "1001", "1002", "1003", "1004", "1999", "2001", "2002", "2999"), "refuse"
        ),
        **dict.fromkeys(("3001", "3002", "3003", "3999"), "again"),
    }
    assert all(known.zh and known.meaning and known.advice_zh and known.advice for known in codes().values())


def test_the_table_has_every_element_once() -> None:
    for message in ("DxpMsg", "DxpRep"):
        names = [child.name for child in envelope_of(message).children]
        assert len(names) == len(set(names))
