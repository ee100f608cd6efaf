"""The HTTP calls of customs: parse, authorise, call one service, dump."""

from customs.api import assessment_files, assessments, consignments, declarations, reports, tariff, warehouses

rooms = (assessment_files, assessments, consignments, declarations, reports, tariff, warehouses)
blueprints = [room.blueprint for room in rooms]
