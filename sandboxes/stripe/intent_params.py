"""What the calls of a PaymentIntent may be given."""

from __future__ import annotations

from sandboxes.stripe import params, payment_methods

CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
_OPTIONS = params.group(
    {
        "card": params.group(
            {
                "capture_method": params.choice("manual"),
                "request_three_d_secure": params.choice("automatic", "any", "challenge"),
                "setup_future_usage": params.accepted,
            }
        ),
        "alipay": params.group({"setup_future_usage": params.accepted}),
        "wechat_pay": params.group(
            {
                "client": params.choice("web", "android", "ios"),
                "app_id": params.text(),
                "setup_future_usage": params.accepted,
            }
        ),
    }
)
_SHIPPING = params.group(
    {name: params.text() for name in ("name", "phone", "carrier", "tracking_number")} | {"address": params.ADDRESS},
    ("name",),
)
_SHARED: params.Spec = {
    "payment_method": params.text(100),
    "payment_method_data": params.group({k: v for k, v in payment_methods.CREATE.items() if k != "expand"}),
    "payment_method_options": _OPTIONS,
    "payment_method_types": params.several(params.text(50), 20),
    "receipt_email": params.text(),
    "setup_future_usage": params.accepted,
    "shipping": _SHIPPING,
}
_CONFIRMING: params.Spec = {
    "return_url": params.text(2048),
    "off_session": params.accepted,
    "mandate_data": params.accepted,
    "use_stripe_sdk": params.flag,
    "error_on_requires_action": params.flag,
}
FACTS: params.Spec = {
    "amount": params.amount,
    "currency": params.currency,
    "customer": params.text(100),
    "description": params.text(1000),
    "metadata": params.metadata,
    "statement_descriptor": params.text(22),
    "statement_descriptor_suffix": params.text(22),
    "transfer_group": params.text(200),
}
CREATE: params.Spec = {
    **_SHARED,
    **_CONFIRMING,
    **FACTS,
    "automatic_payment_methods": params.group(
        {"enabled": params.flag, "allow_redirects": params.choice("always", "never")}, ("enabled",)
    ),
    "capture_method": params.choice(*CAPTURE_METHODS),
    "confirm": params.flag,
    "confirmation_method": params.choice("automatic", "manual"),
}
UPDATE: params.Spec = {**_SHARED, **FACTS, "capture_method": params.choice(*CAPTURE_METHODS)}
CONFIRM: params.Spec = {
    **_SHARED,
    **_CONFIRMING,
    "capture_method": params.choice(*CAPTURE_METHODS),
    "client_secret": params.text(200),
}
CAPTURE: params.Spec = {
    "amount_to_capture": params.amount,
    "final_capture": params.flag,
    "metadata": params.metadata,
    "statement_descriptor": params.text(22),
    "statement_descriptor_suffix": params.text(22),
}
CANCEL: params.Spec = {
    "cancellation_reason": params.choice("duplicate", "fraudulent", "requested_by_customer", "abandoned")
}
RETRIEVE: params.Spec = {"client_secret": params.text(200)}
INDEX: params.Spec = {"customer": params.text(100)}
