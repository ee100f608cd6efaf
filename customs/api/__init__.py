"""The HTTP calls of customs: parse, authorise, call one service, dump."""

from customs.api import (
    assessment_files,
    assessments,
    consignments,
    dead_letters,
    declarations,
    guarantees,
    payment_data,
    quarantine,
    reports,
    shipments,
    tariff,
    tax_bills,
    warehouses,
    zone_stock,
)

rooms = (
    assessment_files,
    assessments,
    consignments,
    dead_letters,
    declarations,
    guarantees,
    payment_data,
    quarantine,
    reports,
    shipments,
    tariff,
    tax_bills,
    warehouses,
    zone_stock,
)
blueprints = [room.blueprint for room in rooms]
