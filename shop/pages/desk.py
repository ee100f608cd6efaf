"""The customs desk: declarations with their documents and tax bills, and the duty report with its chart."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, render_template
from marshmallow import Schema

from core import clock
from core.schemas import Choice, Day
from core.web import actor, requires
from customs.reports import duty
from shop.pages import words
from shop.pages.forms import read_query

pages = Blueprint("desk_pages", __name__, url_prefix="/desk")
