"""The upload of payment data to the byte (announcement 179): what is signed, and that it is what is sent."""

import json
from dataclasses import replace

from customs.payment_data.message import Original, missing, parts
from customs.window.facts import Company
from tests.customs.payments.conftest import ORIGINAL

PLATFORM, PAYMENT = Company("4601960A01", "岸达/平台"), Company("4601960P02", "支付")
GUID = "9D55BA71-22DE-41F4-8B50-C36C83B3B530"

HEAD = (
    '{"guid":"9D55BA71-22DE-41F4-8B50-C36C83B3B530",'
    '"initalRequest":"POST https://pay.example/v1/payments\\n\\namount=10983&currency=cny",'
    '"initalResponse":"{\\"id\\":\\"pay_1\\",\\"paid\\":true}","ebpCode":"4601960A01","payCode":"4601960P02",'
    '"payTransactionId":"LF2611230001P","totalAmount":109.83,"currency":"142","verDept":"3","payType":"4",'
    '"tradingTime":"20261123120001","note":""}'
)
LISTS = (
    '[{"orderNo":"LF2611230001","goodsInfo":[{"gname":"冷冻阿根廷红虾",'
    '"itemLink":"https://landfall.example/listings/1"}],"recpAccount":"acct_of_the_platform",'
    '"recpCode":"4601960A01","recpName":"岸达/平台"}]'
)
SIGNED = (
    f'"sessionID":"ad2254-8hewyf32-55616249"||"payExchangeInfoHead":"{HEAD}"'
    f'||"payExchangeInfoLists":"{LISTS}"||"serviceTime":"1544519952469"'
)
UPLOAD = (
    f'{{"sessionID":"ad2254-8hewyf32-55616249","payExchangeInfoHead":{HEAD},"payExchangeInfoLists":{LISTS},'
    '"serviceTime":"1544519952469","certNo":"03000000000cde6f","signValue":"c2lnbmF0dXJl"}'
)


def made(original: Original):
    return parts(
        original, PLATFORM, PAYMENT, session_id="ad2254-8hewyf32-55616249", guid=GUID, service_time=1544519952469
    )


def test_the_signed_text_to_the_byte() -> None:
    assert made(ORIGINAL).signed_text() == SIGNED
    assert made(ORIGINAL).signed_text().encode().decode("utf-8") == SIGNED


def test_the_upload_to_the_byte_and_in_its_order() -> None:
    upload = made(ORIGINAL).upload("03000000000cde6f", "c2lnbmF0dXJl")
    assert upload == UPLOAD
    assert list(json.loads(upload)) == [
        "sessionID",
        "payExchangeInfoHead",
        "payExchangeInfoLists",
        "serviceTime",
        "certNo",
        "signValue",
    ]


def test_what_is_signed_stands_in_the_upload_as_it_is() -> None:
    one = made(ORIGINAL)
    upload = one.upload("1", "2")
    assert f'"payExchangeInfoHead":{one.head},' in upload
    assert f'"payExchangeInfoLists":{one.lists},' in upload
    assert "\\u" not in upload
    assert "\\/" not in upload


def test_amounts_are_plain_decimals() -> None:
    for fen, text in ((10000, "100"), (10050, "100.5"), (1, "0.01"), (99999999, "999999.99")):
        assert f'"totalAmount":{text},' in made(replace(ORIGINAL, amount_fen=fen)).head


def test_raw_texts_stay_what_they_were() -> None:
    awkward = 'a "quote" \\ a back\\slash / tab\t \u2028 号 </script>'
    head = json.loads(made(replace(ORIGINAL, request=awkward)).head)
    assert head["initalRequest"] == awkward


def test_what_is_missing_is_named() -> None:
    assert missing(ORIGINAL) == []
    bare = replace(ORIGINAL, request=None, response="", goods=(), account=None)
    assert missing(bare) == ["initalRequest", "initalResponse", "goodsInfo", "recpAccount"]
