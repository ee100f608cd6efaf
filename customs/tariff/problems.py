"""What the law's files cannot answer: refusals with a stable code, raised by the pure floor and shown by the edge."""

from __future__ import annotations

from core.errors import declare

CODE_UNKNOWN = declare("code_unknown", 422, "No such tariff code")
CODE_NOT_IN_FORCE = declare("code_not_in_force", 422, "The tariff code is not in force on that day")
CODE_AMBIGUOUS = declare("code_ambiguous", 422, "The ten-digit codes under this code do not give the same answer")
ORIGIN_UNKNOWN = declare("origin_unknown", 422, "No such country of origin")
ORIGIN_UNKNOWN_CLASS = declare("origin_unknown_class", 422, "The rate class of the origin is not on file")
ORIGIN_BANNED = declare("origin_banned", 422, "Goods of this origin may not be imported")
BEFORE_COVERAGE = declare("before_coverage", 422, "The day lies before the first reading of the law")
RATE_MISSING = declare("rate_missing", 422, "No rate is on file for the code on that day")
INSTANT_NEEDED = declare("instant_needed", 422, "The law changes within that day: the instant is needed")
CURRENCY_UNKNOWN = declare("currency_unknown", 422, "No such currency")
EXCHANGE_RATE_MISSING = declare("exchange_rate_missing", 422, "The customs exchange rate of a currency is missing")
QUANTITY_NEEDED = declare("quantity_needed", 422, "A quantity is needed to compute the tax")
UNIT_MISMATCH = declare("unit_mismatch", 422, "The unit is unknown or cannot be converted")
OUT_OF_BOUNDS = declare("out_of_bounds", 422, "A value is beyond what can be computed exactly")
NOT_ON_POSITIVE_LIST = declare("not_on_positive_list", 422, "The goods are not on the retail import list")
MODE_NOT_ALLOWED = declare("mode_not_allowed", 422, "The goods may not enter in this supervision mode")
SINGLE_LIMIT = declare("single_limit", 422, "The order is above the single transaction limit")
ANNUAL_LIMIT = declare("annual_limit", 422, "The order is above the rest of the yearly allowance")
RETAIL_NOT_IN_FORCE = declare("retail_not_in_force", 422, "Cross-border retail import is not in force on that day")
AGREEMENT_UNKNOWN = declare("agreement_unknown", 422, "No such agreement")
QUOTA_UNKNOWN = declare("quota_unknown", 422, "No such quota")
OUTSIDE_COVERAGE = declare("outside_coverage", 422, "The law of that day is not established")
PARAMETER_MISSING = declare("parameter_missing", 422, "A legal parameter is not in force on that day")
CALENDAR_UNKNOWN = declare("calendar_unknown", 422, "The trading calendar of that year is not announced")
INCOTERM_COST = declare("incoterm_cost", 422, "The costs given do not fit the delivery term")
PART_UNKNOWN = declare("part_unknown", 422, "No such part of the tariff code")
QUOTA_CROSSED = declare("quota_crossed", 422, "The consignment crosses what is left of a quota")
