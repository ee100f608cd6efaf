"""What the calls around files of listings take and answer."""

from __future__ import annotations

from marshmallow import fields

from catalog.imports.template import FORMATS
from core.schemas import Choice, Schema

LANGUAGES = ("en", "zh")


class NewImport(Schema):
    """The form fields beside the file; `1` says yes."""

    preview = Choice("0", "1", load_default="0")
    submit = Choice("0", "1", load_default="0")


class Import(Schema):
    id = fields.String()
    name = fields.String()
    size = fields.Integer()
    status = fields.String()
    preview = fields.Boolean()
    submit = fields.Boolean()
    rows = fields.Integer()
    done = fields.Integer()
    created = fields.Integer()
    updated = fields.Integer()
    unchanged = fields.Integer()
    failed = fields.Integer()
    percent = fields.Integer()
    rate = fields.Integer(allow_none=True)
    seconds_left = fields.Integer(allow_none=True)
    problem = fields.Dict(allow_none=True)
    created_at = fields.String()
    finished_at = fields.String(allow_none=True)


class Imports(Schema):
    items = fields.List(fields.Nested(Import))
    next = fields.String(allow_none=True)


class FormArguments(Schema):
    """`language` is that of the headings; both are read."""

    format = Choice(*FORMATS, load_default=FORMATS[0])
    language = Choice(*LANGUAGES, load_default=LANGUAGES[0])


class TemplateArguments(Schema):
    language = Choice(*LANGUAGES, load_default=LANGUAGES[0])
