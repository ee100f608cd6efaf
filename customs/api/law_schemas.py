"""What the law is asked and answers: tariff lines, assessments, files of lines. Fields not named here are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from core.paging import PageArguments
from core.schemas import (
    Choice,
    Day,
    Flag,
    Id,
    Instant,
    Money,
    Pattern,
    Quantity,
    Schema,
    Text,
    country,
    currency,
    hs_code,
)
from customs.assessments.crossing import CROSSING_RULES
from customs.assessments.fields import misplaced
from customs.assessments.files.options import FORMATS
from customs.assessments.files.options import ROUTES as FILE_ROUTES
from customs.assessments.request import EVIDENCE, ROUTES
from customs.assessments.retail import RETAIL_MODES
from customs.assessments.service import LINES_MAX as ASSESSMENT_LINES_MOST
from customs.duty.terms import ADDITIONS, DEDUCTIONS, INCOTERMS, METHODS, TRANSACTION
from customs.duty.wording import LANGUAGES


def exchange_rate(**kwargs: Any) -> Pattern:
    rule = 'must be yuan for one unit of the currency as a string such as "7.1000"'
    return Pattern(r"(0\.[0-9]{0,7}[1-9][0-9]{0,7}|[1-9][0-9]{0,5}(\.[0-9]{1,8})?)", rule, **kwargs)


class ExchangeRateQuote(Schema):
    rate = exchange_rate(required=True)
    per = Choice("1", "100", load_default="1")


class GivenRate(fields.Field[Any]):
    """Yuan for one unit as a string, or `{rate, per}` as it is quoted: per 1 or per 100 units."""

    rule = 'must be yuan for one unit such as "7.1000", or {"rate": "4.8123", "per": "100"}'
    _text, _quote = exchange_rate(), ExchangeRateQuote()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        text = {"type": "string", **self._text.metadata}
        quote = {"type": "object", "required": ["rate"], "additionalProperties": False,
                 "properties": {"rate": text, "per": {"type": "string", "enum": ["1", "100"]}}}  # fmt: skip
        self.metadata = {**self.metadata, "oneOf": [text, quote]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, dict):
            return self._quote.load(value)
        if not isinstance(value, str):
            raise ValidationError(self.rule)
        return self._text.read(value)


class Amount(Money):
    """Money of any currency: its decimals, for the engine keeps them exact."""

    def read(self, text: str) -> Any:
        super().read(text)
        return Decimal(text)


class TariffSearch(PageArguments):
    q = Text(100, load_default=None)
    prefix = Pattern("[0-9]{1,10}", "must be the beginning of a code, digits only", load_default=None)
    day = Day(load_default=None)


class TariffLine(Schema):
    hs = fields.String()
    description = fields.Dict()
    units = fields.List(fields.Dict())
    mfn = fields.String(allow_none=True)
    general = fields.String(allow_none=True)
    vat = fields.String(allow_none=True)
    consumption_tax = fields.String()
    controls = fields.String()


class TariffLines(Schema):
    items = fields.List(fields.Nested(TariffLine))
    next = fields.String(allow_none=True)
    suggestions = fields.List(fields.String())
    closed = fields.List(fields.Dict())


class InLanguage(Schema):
    lang = Choice(*LANGUAGES)


class TariffQuestion(InLanguage):
    origin = country(load_default=None)
    day = Day(load_default=None)


class TariffDetail(TariffLine):
    day = fields.String()
    edition = fields.String()
    origin = fields.String(allow_none=True)
    rate_class = fields.String()
    line = fields.Dict()
    children = fields.List(fields.String())
    children_named = fields.List(fields.Dict())
    headings = fields.List(fields.Dict())
    notes = fields.List(fields.Dict())
    cautions = fields.List(fields.Dict())
    declaration_elements = fields.List(fields.String())
    in_force = fields.List(fields.Dict())
    controls_in_force = fields.List(fields.Dict())
    quotas = fields.List(fields.Dict())
    questions = fields.List(fields.Dict())
    coverage_gap = fields.Dict(allow_none=True)
    applied = fields.List(fields.Dict())
    not_applied = fields.List(fields.Dict())
    requirements = fields.List(fields.Dict())
    standing = fields.String(allow_none=True)
    refused = fields.Dict(allow_none=True)
    history = fields.Dict()
    predecessors = fields.List(fields.Dict())
    successors = fields.List(fields.Dict())


class Preference(Schema):
    agreement = Text(60, required=True)
    certificate_no = Text(60, required=True)
    direct_transport = Flag(load_default=True)


class StatutoryQuantities(Schema):
    unit1_quantity = Quantity(load_default=None, allow_none=True)
    unit2_quantity = Quantity(load_default=None, allow_none=True)


class NetContent(Schema):
    quantity = Quantity(required=True)
    unit = Text(20, required=True)


class PriceAdjustment(Schema):
    kind = Text(40, required=True)
    amount = Amount(required=True)
    note = Text(200, load_default=None, allow_none=True)


def adjustments(kinds: Iterable[str], article: int) -> fields.List:
    """Amounts that the price leaves out or contains; the engine checks `kind`, for it knows why one is refused."""
    words = f"kinds: {', '.join(kinds)} (Tariff Law art. {article})"
    return fields.List(fields.Nested(PriceAdjustment), load_default=list, validate=validate.Length(max=50),
                       metadata={"description": words})  # fmt: skip


class SharedCosts(Schema):
    freight = Amount(load_default=None, allow_none=True)
    insurance = Amount(load_default=None, allow_none=True)
    export_costs = Amount(load_default=None, allow_none=True)
    currency = currency(load_default=None, allow_none=True)


class AssessmentLine(Schema):
    """Which fields a route needs, and which it would ignore and so refuses, stands in `assessments.misplaced`."""

    hs = hs_code()
    origin = country(allow_none=True)
    quantity = Quantity()
    unit = Text(20)
    value = Amount(required=True)
    currency = currency(load_default="CNY")
    freight = Amount(load_default=None, allow_none=True)
    insurance = Amount(load_default=None, allow_none=True)
    incoterm = Choice(*INCOTERMS)
    export_costs = Amount(load_default=None, allow_none=True)
    additions = adjustments(ADDITIONS, 25)
    deductions = adjustments(DEDUCTIONS, 26)
    valuation_method = Choice(*METHODS, load_default=TRANSACTION)
    origin_proof = Flag(load_default=False)
    preference = fields.Nested(Preference, load_default=None, allow_none=True)
    origin_evidence = Choice(*EVIDENCE, load_default="declared")
    exporter = Text(200, load_default=None, allow_none=True)
    exclusion_no = Text(60, load_default=None, allow_none=True)
    part = Text(200, load_default=None, allow_none=True)
    order = Text(40, load_default="1")
    statutory = fields.Nested(StatutoryQuantities, load_default=None, allow_none=True)
    net_content = fields.Nested(NetContent, load_default=None, allow_none=True)
    post_category = Text(40, metadata={"description": "personal articles: a category of post_categories.csv"})
    parcel = Text(40, load_default="1")
    service = Text(60, metadata={"description": "services: a kind of service_rates.csv"})
    price_includes_tax = Flag(load_default=True)
    provider_country = country(load_default=None, allow_none=True)


class AssumedRate(Schema):
    kind = Text(40, required=True)
    hs = Pattern("[0-9]{0,10}", "must be a code or the beginning of one", load_default="")
    rate = Text(60, required=True)


class Assume(Schema):
    quota = fields.Dict(keys=Text(60), values=Day(), load_default=dict, validate=validate.Length(max=50))
    rates = fields.List(fields.Nested(AssumedRate), load_default=list, validate=validate.Length(max=50))
    quota_remaining = fields.Dict(keys=Text(60), values=Quantity(), load_default=dict, validate=validate.Length(max=50))
    crossing = Choice(*CROSSING_RULES, load_default="refuse")


class AssessmentRequest(Schema):
    route = Choice(*ROUTES, required=True)
    day = Day(required=True)
    at = Instant(load_default=None, allow_none=True)
    mode = Choice("1210", "9610")
    annual_used = Money(load_default=0)
    incoterm = Choice(*INCOTERMS)
    costs = fields.Nested(SharedCosts, load_default=None, allow_none=True)
    exchange_rates = fields.Dict(keys=currency(), values=GivenRate(), load_default=dict)
    assume = fields.Nested(Assume, load_default=None, allow_none=True)
    sent_from = country(data_key="from", attribute="from")
    lines = fields.List(
        fields.Nested(AssessmentLine), required=True, validate=validate.Length(1, ASSESSMENT_LINES_MOST)
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def check_route(self, _: Any, original: Any, **__: Any) -> None:
        errors = misplaced(original) if isinstance(original, Mapping) else {}
        if errors:
            raise ValidationError(errors)


class Assessment(Schema):
    day = fields.String()
    edition = fields.String()
    route = fields.String()
    lines = fields.List(fields.Dict())
    totals = fields.Dict()
    standing = fields.String()


class NewAssessmentFile(Schema):
    route = Choice(*FILE_ROUTES, load_default=FILE_ROUTES[0])
    mode = Choice(*RETAIL_MODES, load_default=None)
    rates = Text(1000, load_default=None)
    format = Choice(*FORMATS, load_default=None)


class AssessmentFile(Schema):
    id = Id()
    name = fields.String()
    size = fields.Integer()
    status = fields.String()
    route = fields.String()
    mode = fields.String(allow_none=True)
    rates = fields.Dict()
    format = fields.String()
    rows = fields.Integer()
    done = fields.Integer()
    failed = fields.Integer()
    percent = fields.Integer()
    rows_per_second = fields.Integer(allow_none=True)
    seconds_left = fields.Integer(allow_none=True)
    result = fields.Dict(allow_none=True)
    problem = fields.Dict(allow_none=True)
    created_at = fields.String()
    finished_at = fields.String(allow_none=True)
    expires_at = fields.String()


class AssessmentFiles(Schema):
    items = fields.List(fields.Nested(AssessmentFile))
    next = fields.String(allow_none=True)


class ResultArguments(Schema):
    format = Choice(*FORMATS, load_default=FORMATS[0])
