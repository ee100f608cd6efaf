"""The HTTP calls of customs: parse, authorise, call one service, dump."""

from customs.api import declarations, reports, warehouses

blueprints = [declarations.blueprint, reports.blueprint, warehouses.blueprint]
