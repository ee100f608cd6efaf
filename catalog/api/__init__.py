"""The catalogue over HTTP: the shop window, the merchant's side, the operator's review."""

from catalog.api import fairness, imports, manage, people, promotions, review, stock, wares, window
from core.web import Blueprint

blueprints: list[Blueprint] = [
    window.blueprint,
    fairness.blueprint,
    manage.blueprint,
    imports.blueprint,
    wares.blueprint,
    stock.blueprint,
    promotions.blueprint,
    people.blueprint,
    review.blueprint,
]
