"""What the calls about a merchant's people and account take and answer."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from catalog.models import MEMBER_ROLES
from core.schemas import Choice, Pattern, Schema, Text


class Payout(Schema):
    """Where the merchant is paid: a Stripe account, or an account at a bank in the merchant's name."""

    kind = Choice("stripe", "bank", required=True)
    account = Pattern("[0-9A-Za-z_-]{6,40}", "must be an account number without spaces", required=True)
    bank = Text(100)
    holder = Text(100)

    @validates_schema
    def _whole(self, data: dict[str, Any], **_: Any) -> None:
        at_bank = data["kind"] == "bank"
        for name in ("bank", "holder"):
            if at_bank != (name in data):
                raise ValidationError(
                    {name: ["is required for a bank account" if at_bank else "is of bank accounts only"]}
                )
        if not at_bank and not data["account"].startswith("acct_"):
            raise ValidationError({"account": ["must be a Stripe account such as acct_1Nv0"]})


class NewInvitation(Schema):
    email = Text(254, required=True)
    role = Choice(*MEMBER_ROLES, required=True)


class RoleChange(Schema):
    role = Choice(*MEMBER_ROLES, required=True)


class Member(Schema):
    user_id = fields.String()
    email = fields.String()
    name = fields.String()
    role = fields.String()
    joined_at = fields.String()


class InvitingMerchant(Schema):
    id = fields.String()
    name = fields.String()


class Invitation(Schema):
    id = fields.String()
    role = fields.String()
    invited_at = fields.String()
    email = fields.String()


class OwnInvitation(Schema):
    id = fields.String()
    role = fields.String()
    invited_at = fields.String()
    merchant = fields.Nested(InvitingMerchant)


class OwnInvitations(Schema):
    items = fields.List(fields.Nested(OwnInvitation))


class People(Schema):
    items = fields.List(fields.Nested(Member))
    invitations = fields.List(fields.Nested(Invitation))


class Membership(Schema):
    merchant = fields.Nested(InvitingMerchant)
    role = fields.String()
