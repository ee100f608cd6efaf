"""The HTTP calls of customs: parse, authorise, call one service, dump."""

from customs.api import declarations, reports, tariff, warehouses

blueprints = [declarations.blueprint, reports.blueprint, tariff.blueprint, warehouses.blueprint]
