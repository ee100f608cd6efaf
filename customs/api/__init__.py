"""The HTTP calls of customs: parse, authorise, call one service, dump."""

from customs.api import assessments, consignments, declarations, reports, tariff, warehouses

blueprints = [room.blueprint for room in (assessments, consignments, declarations, reports, tariff, warehouses)]
