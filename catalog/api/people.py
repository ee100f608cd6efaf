"""The people of a merchant: invited, in, with another role, out."""

from __future__ import annotations

from typing import Any

from catalog import members, merchants, rights
from catalog.api import member_schemas
from catalog.api.acting import task
from catalog.api.window import parsed_id
from core.web import API_PREFIX, Blueprint, actor, requires

blueprint = Blueprint("catalog_people", __name__, url_prefix=f"{API_PREFIX}/catalog", description="A merchant's people")


@blueprint.route("/manage/members")
@requires("merchant")
@blueprint.response(200, member_schemas.People)
def list_members() -> dict[str, Any]:
    """The own merchant's members with their roles, and who has been invited."""
    return members.people(merchants.acting_for(actor().id))


@blueprint.route("/manage/members", methods=["POST"])
@requires("merchant")
@task(rights.MEMBERS)
@blueprint.arguments(member_schemas.NewInvitation)
@blueprint.response(201, member_schemas.Invitation)
def invite_member(values: dict[str, Any]) -> dict[str, Any]:
    """Invite the holder of an account by its e-mail address; it becomes a member once it accepts."""
    return members.invite(actor().id, merchants.acting_for(actor().id), **values)


@blueprint.route("/manage/members/<user_id>", methods=["PATCH"])
@requires("merchant")
@task(rights.MEMBERS)
@blueprint.arguments(member_schemas.RoleChange)
@blueprint.response(200, member_schemas.Member)
def change_member(values: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Give a member another role; one owner stays."""
    return members.change_role(actor().id, merchants.acting_for(actor().id), parsed_id(user_id), values["role"])


@blueprint.route("/manage/members/<user_id>", methods=["DELETE"])
@requires("merchant")
@task(rights.MEMBERS)
@blueprint.response(204)
def remove_member(user_id: str) -> None:
    """Take a member out: the next request is refused."""
    members.remove(actor().id, merchants.acting_for(actor().id), parsed_id(user_id))


@blueprint.route("/manage/members/me", methods=["DELETE"])
@requires("merchant")
@task(rights.READ)
@blueprint.response(204)
def leave_merchant() -> None:
    """Leave the merchant."""
    members.remove(actor().id, merchants.acting_for(actor().id), actor().id)


@blueprint.route("/invitations")
@requires()
@blueprint.response(200, member_schemas.OwnInvitations)
def list_invitations() -> dict[str, Any]:
    """Who has invited you."""
    return members.invitations(actor().id)


@blueprint.route("/invitations/<invitation_id>/accept", methods=["POST"])
@requires()
@blueprint.response(200, member_schemas.Membership)
def accept_invitation(invitation_id: str) -> dict[str, Any]:
    """Act for the merchant from now on."""
    return members.accept(actor().id, parsed_id(invitation_id))


@blueprint.route("/invitations/<invitation_id>", methods=["DELETE"])
@requires()
@blueprint.response(204)
def withdraw_invitation(invitation_id: str) -> None:
    """Decline an own invitation, or, as an owner, take back one of the own merchant."""
    members.withdraw(actor().id, parsed_id(invitation_id))
