"""The shape of a correction and of giving up; what a field may hold is read by the table of `correcting.fields`."""

from __future__ import annotations

from typing import Any

from flask import request
from marshmallow import fields

from core.schemas import Schema, Text
from core.web import Blueprint


class Correction(Schema):
    """`changes` holds fields of the order, and `lines`: [{line, ...fields of that line}]."""

    reason = Text(300, load_default=None)
    changes = fields.Dict(keys=fields.String(), load_default=dict)


class GivingUp(Schema):
    reason = Text(300, required=True)


def correction() -> dict[str, Any]:
    """The body; without one nothing is changed and the declaration is only filed again."""
    if not request.get_data(cache=True):
        return dict(Correction().load({}))
    return dict(Blueprint.ARGUMENTS_PARSER.parse(Correction(), request, location="json"))
