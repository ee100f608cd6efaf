"""What people look at. A page parses, authorises, calls the service the API calls, and renders; it computes nothing."""

from __future__ import annotations

from flask import Blueprint, Flask
from flask_babel import Babel
from flask_bootstrap import Bootstrap5

from shop.pages import (
    account,
    application,
    assessment_files,
    basket,
    books,
    cart,
    catalogue,
    checkout,
    companies,
    correcting,
    coupons,
    crossings,
    dead_letters,
    desk,
    documents,
    exposure,
    filters,
    language,
    law,
    merchants,
    notices,
    operator,
    orders,
    payment,
    payment_desk,
    payouts,
    people,
    promotions,
    quarantine,
    recalls,
    reviews,
    rfqs,
    stock,
    tax_desk,
    trade,
    trade_imports,
    trade_orders,
    trade_rfqs,
    wares,
    webhooks,
    window_check,
    zone,
    zone_exits,
)

blueprints: list[Blueprint] = [
    catalogue.pages,
    cart.pages,
    checkout.pages,
    payment.pages,
    payment_desk.pages,
    orders.pages,
    account.pages,
    application.pages,
    trade.pages,
    stock.pages,
    people.pages,
    trade_imports.pages,
    trade_orders.pages,
    companies.pages,
    coupons.pages,
    promotions.pages,
    rfqs.pages,
    trade_rfqs.pages,
    wares.pages,
    payouts.pages,
    notices.pages,
    webhooks.pages,
    desk.pages,
    zone.pages,
    zone_exits.pages,
    crossings.pages,
    dead_letters.pages,
    quarantine.pages,
    correcting.pages,
    law.pages,
    assessment_files.pages,
    operator.pages,
    merchants.pages,
    recalls.pages,
    reviews.pages,
    books.pages,
    tax_desk.pages,
    window_check.pages,
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
