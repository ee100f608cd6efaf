"""What people look at. A page parses, authorises, calls the service the API calls, and renders; it computes nothing."""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_babel import Babel
from flask_bootstrap import Bootstrap5

from shop.pages import (
    account,
    assessment_files,
    basket,
    cart,
    catalogue,
    checkout,
    companies,
    desk,
    documents,
    exposure,
    filters,
    language,
    law,
    merchants,
    operator,
    orders,
    payment,
    people,
    recalls,
    rfqs,
    stock,
    trade,
    trade_imports,
    trade_rfqs,
    wares,
)

blueprints: list[Blueprint] = [
    catalogue.pages,
    cart.pages,
    checkout.pages,
    payment.pages,
    orders.pages,
    account.pages,
    trade.pages,
    stock.pages,
    people.pages,
    trade_imports.pages,
    companies.pages,
    rfqs.pages,
    trade_rfqs.pages,
    wares.pages,
    desk.pages,
    law.pages,
    assessment_files.pages,
    operator.pages,
    merchants.pages,
    recalls.pages,
    documents.pages,
    exposure.pages,
    language.pages,
]


def init_app(app: Flask) -> None:
    """Hang the pages into the application; before `core.web.init_app` and `open_library_views`."""
    Bootstrap5().init_app(app)
    Babel(app, locale_selector=language.chosen)
    filters.init_app(app)
    basket.init_app(app)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    account.guard_sign_in(app)
