"""A merchant's people: who is in, with which role, and who was invited; and, for anybody, who invited them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from catalog import members, merchants, rights
from catalog.api.acting import task
from catalog.api.member_schemas import NewInvitation, RoleChange
from catalog.models import MEMBER_ROLES
from core.errors import Problem
from core.web import actor, requires
from shop.pages.forms import read_form, take, tell

pages = Blueprint("people_pages", __name__)


def _own() -> uuid.UUID:
    return merchants.acting_for(actor().id)


@pages.get("/trade/people")
@requires("merchant")
def show() -> str:
    """The merchant as it is registered, its members, and who has been invited."""
    return render_template(
        "trade/people.html",
        merchant=merchants.own(actor().id),
        people=members.people(_own()),
        me=str(actor().id),
        member_roles=MEMBER_ROLES,
        may=rights.MAY[members.role_of(actor().id) or "viewer"],
    )


@pages.post("/trade/people")
@requires("merchant")
@task(rights.MEMBERS)
def invite() -> Any:
    """Invite the holder of an account."""
    return _do(lambda: members.invite(actor().id, _own(), **read_form(NewInvitation())), _("The invitation is made."))


@pages.post("/trade/people/<uuid:user_id>/role")
@requires("merchant")
@task(rights.MEMBERS)
def change_role(user_id: uuid.UUID) -> Any:
    """Give a member another role."""
    return _do(
        lambda: members.change_role(actor().id, _own(), user_id, **read_form(RoleChange())),
        _("The role holds from now on."),
    )


@pages.post("/trade/people/<uuid:user_id>/remove")
@requires("merchant")
@task(rights.MEMBERS)
def remove(user_id: uuid.UUID) -> Any:
    """Take a member out."""
    return _do(lambda: members.remove(actor().id, _own(), user_id), _("The person acts for you no more."))


@pages.post("/trade/people/leave")
@requires("merchant")
@task(rights.READ)
def leave() -> Any:
    """Leave the merchant."""
    try:
        members.remove(actor().id, _own(), actor().id)
    except Problem as problem:
        tell(problem)
        return redirect(url_for("people_pages.show"), 303)
    flash(_("You act for the merchant no more."), "success")
    return redirect(url_for("account_pages.overview"), 303)


@pages.post("/trade/people/invitations/<uuid:invitation_id>/withdraw")
@requires("merchant")
@task(rights.MEMBERS)
def withdraw(invitation_id: uuid.UUID) -> Any:
    """Take an invitation back."""
    return _do(lambda: members.withdraw(actor().id, invitation_id), _("The invitation is taken back."))


@pages.get("/account/invitations")
@requires()
def invitations() -> str:
    """Who has invited the person."""
    return render_template("account/invitations.html", rows=members.invitations(actor().id)["items"])


@pages.post("/account/invitations/<uuid:invitation_id>/accept")
@requires()
def accept(invitation_id: uuid.UUID) -> Any:
    """Act for the merchant from now on."""
    page = "people_pages.invitations"
    return _do(lambda: members.accept(actor().id, invitation_id), _("You act for the merchant now."), page)


@pages.post("/account/invitations/<uuid:invitation_id>/decline")
@requires()
def decline(invitation_id: uuid.UUID) -> Any:
    """Say no."""
    page = "people_pages.invitations"
    return _do(lambda: members.withdraw(actor().id, invitation_id), _("The invitation is declined."), page)


def _do(deed: Callable[[], object], done: str, page: str = "people_pages.show") -> Any:
    return take(deed, done, url_for(page))
