"""Assessing lines: what duty, consumption tax and VAT they bear on a day, why, and what else the law asks of them.

The one service for quotes, declarations, consignments, the public endpoint and archives: it turns requests into
columns, runs the engine of `customs.duty`, and reads the rows out again.
"""

from __future__ import annotations

from customs.assessments.answers import AssessedLine, Assessment
from customs.assessments.request import Line, NetContent, Preference, Request, parse_request
from customs.assessments.retail import retail_blocks
from customs.assessments.service import assess

__all__ = ["AssessedLine", "Assessment", "Line", "NetContent", "Preference", "Request", "assess", "parse_request",
           "retail_blocks"]  # fmt: skip
