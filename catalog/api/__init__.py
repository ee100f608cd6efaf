"""The catalogue over HTTP: the shop window, the merchant's side, the operator's review."""

from catalog.api import manage, review, window
from core.web import Blueprint

blueprints: list[Blueprint] = [window.blueprint, manage.blueprint, review.blueprint]
