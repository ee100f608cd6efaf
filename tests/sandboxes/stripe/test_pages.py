"""The buyer's pages: choose a method, pay, come back to the shop."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
import stripe

BACK = "http://127.0.0.1:9/orders/1?lang=zh"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def visit(url: str, form: dict[str, str] | None = None) -> tuple[int, str, Any]:
    """One step of a browser that does not follow redirects: status, page, headers."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    try:
        with urllib.request.build_opener(_Stay).open(url, data, timeout=10) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode(), answer.headers


@pytest.fixture
def intent(client: stripe.StripeClient) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {"amount": 33_532, "currency": "cny", "description": "<b>牛肉</b>", "payment_method_types": ["card", "alipay"]}
    )


def page_of(sandbox: Any, intent: Any, **rest: str) -> str:
    query = urllib.parse.urlencode({"client_secret": intent.client_secret, "return_url": BACK, **rest})
    return f"{sandbox.base}/sandbox/pay/{intent.id}?{query}"


def fill(intent: Any, method: str, name: str = "张三") -> dict[str, str]:
    return {"client_secret": intent.client_secret, "return_url": BACK, "method": method, "name": name}


def test_the_page_shows_amount_and_methods_and_loads_nothing(sandbox: Any, intent: Any) -> None:
    status, page, headers = visit(page_of(sandbox, intent))
    assert status == 200
    assert "335.32 CNY" in page
    assert "支付宝" in page
    assert "微信支付" not in page
    assert "<b>牛肉</b>" not in page
    assert "&lt;b&gt;" in page
    assert not re.search(r"<script|src=|href=|url\(", page)
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_paying_by_card_leads_back_to_the_shop(sandbox: Any, client: stripe.StripeClient, intent: Any) -> None:
    status, _, headers = visit(page_of(sandbox, intent), fill(intent, "card"))
    assert status == 303
    back = urllib.parse.urlsplit(headers["Location"])
    told = dict(urllib.parse.parse_qsl(back.query))
    assert back.netloc == "127.0.0.1:9"
    assert (told["lang"], told["payment_intent"], told["redirect_status"]) == ("zh", intent.id, "succeeded")
    paid: Any = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert paid.latest_charge.billing_details.name == "张三"
    assert visit(page_of(sandbox, intent))[0] == 303


def test_a_declined_card_can_be_followed_by_alipay(sandbox: Any, client: stripe.StripeClient, intent: Any) -> None:
    status, page, _ = visit(page_of(sandbox, intent), fill(intent, "card_declined"))
    assert status == 402
    assert "Your card was declined." in page
    status, _, headers = visit(page_of(sandbox, intent), fill(intent, "alipay"))
    assert (status, headers["Location"]) == (303, f"/sandbox/authorize/{intent.id}")
    assert "335.32 CNY" in visit(sandbox.base + headers["Location"])[1]
    status, _, headers = visit(sandbox.base + headers["Location"], {"outcome": "pay"})
    assert status == 303
    assert headers["Location"].startswith("http://127.0.0.1:9/orders/1?")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\x00b"},
        {"method": "wechat_pay"},
        {"method": "gold"},
        {"method": ""},
    ],
)
def test_a_form_that_is_not_right_pays_nothing(
    sandbox: Any, client: stripe.StripeClient, intent: Any, changed: dict[str, str]
) -> None:
    status, _, _ = visit(page_of(sandbox, intent), fill(intent, "card") | changed)
    assert status in (402, 422)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_without_the_client_secret_there_is_no_page(sandbox: Any, intent: Any) -> None:
    assert visit(f"{sandbox.base}/sandbox/pay/{intent.id}")[0] == 404
    assert visit(page_of(sandbox, intent, client_secret="wrong"))[0] == 404
    assert visit(f"{sandbox.base}/sandbox/pay/{intent.id}", fill(intent, "card") | {"client_secret": "中"})[0] == 404


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "javascript:alert(1)", "//evil.example", "http://127.0.0.1@evil.example"]
)
def test_the_way_back_stays_on_this_machine(sandbox: Any, intent: Any, back: str) -> None:
    assert visit(page_of(sandbox, intent, return_url=back))[0] == 400
    form = fill(intent, "card") | {"return_url": back}
    assert visit(f"{sandbox.base}/sandbox/pay/{intent.id}", form)[0] == 400


def test_a_return_address_elsewhere_is_not_followed_after_authorising(
    sandbox: Any, client: stripe.StripeClient
) -> None:
    waiting = client.v1.payment_intents.create(
        {
            "amount": 100,
            "currency": "cny",
            "confirm": True,
            "payment_method_data": {"type": "alipay"},
            "return_url": "https://shop.example/back",
        }
    )
    status, page, headers = visit(f"{sandbox.base}/sandbox/authorize/{waiting.id}", {"outcome": "pay"})
    assert (status, headers["Location"]) == (200, None)
    assert "succeeded" in page
