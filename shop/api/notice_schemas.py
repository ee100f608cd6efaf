"""What the calls about notices and webhooks take and answer."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from core.paging import PageArguments
from core.schemas import Choice, Flag, Pattern, Schema
from shop.notification_models import DELIVERY_STATUSES
from shop.notifications.outside import URL_MOST


class NoticeArguments(PageArguments):
    unread = Flag(load_default=False)


class BothLanguages(Schema):
    zh = fields.String()
    en = fields.String()


class PersonNotice(Schema):
    id = fields.String()
    at = fields.String()
    kind = fields.String()
    title = fields.Nested(BothLanguages)
    text = fields.Nested(BothLanguages)
    page = fields.String()
    data = fields.Dict()
    read_at = fields.String(allow_none=True)


class PersonNotices(Schema):
    items = fields.List(fields.Nested(PersonNotice))
    next = fields.String(allow_none=True)


def _url(**more: Any) -> Pattern:
    return Pattern(rf"https?://[!-~]{{1,{URL_MOST}}}", "must be a URL of https (http in development)", **more)


def _kinds(**more: Any) -> fields.List:
    return fields.List(Pattern("[a-z_]{1,40}", "must be a kind", required=True), **more)


class NewWebhook(Schema):
    url = _url(required=True)
    kinds = _kinds(required=True)


class WebhookChange(Schema):
    url = _url()
    kinds = _kinds()
    enabled = Flag()


class WebhookEndpoint(Schema):
    id = fields.String()
    url = fields.String()
    kinds = fields.List(fields.String())
    enabled = fields.Boolean()
    disabled_at = fields.String(allow_none=True)
    disabled_for = fields.String(allow_none=True)
    failing_since = fields.String(allow_none=True)
    former_secret_until = fields.String(allow_none=True)
    created_at = fields.String()


class WebhookWithSecret(WebhookEndpoint):
    secret = fields.String()


class WebhookEndpoints(Schema):
    items = fields.List(fields.Nested(WebhookEndpoint))
    next = fields.String(allow_none=True)
    choosable = fields.List(fields.String())


class WebhookTest(Schema):
    delivery = fields.String()
    event = fields.String()


class DeliveryArguments(PageArguments):
    status = Choice(*DELIVERY_STATUSES)


class WebhookDelivery(Schema):
    id = fields.String()
    endpoint = fields.String(allow_none=True)
    event = fields.String()
    type = fields.String()
    status = fields.String()
    attempts = fields.Integer()
    next_at = fields.String(allow_none=True)
    sent_at = fields.String(allow_none=True)
    created_at = fields.String()


class WebhookDeliveries(Schema):
    items = fields.List(fields.Nested(WebhookDelivery))
    next = fields.String(allow_none=True)


class WebhookTry(Schema):
    at = fields.String()
    ms = fields.Integer()
    status = fields.Integer(allow_none=True)
    answer = fields.String(allow_none=True)
    fault = fields.String(allow_none=True)


class WebhookDeliveryDetail(WebhookDelivery):
    body = fields.Dict()
    tries = fields.List(fields.Nested(WebhookTry))


class AddressedDelivery(WebhookDelivery):
    to = fields.String()
    title = fields.Nested(BothLanguages)
    text = fields.Nested(BothLanguages)


class AddressedDeliveries(Schema):
    items = fields.List(fields.Nested(AddressedDelivery))
    next = fields.String(allow_none=True)


class DeliveryTries(Schema):
    items = fields.List(fields.Nested(WebhookTry))
    next = fields.String(allow_none=True)
