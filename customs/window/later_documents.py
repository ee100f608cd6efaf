"""The documents that follow an order's four: delivery, withdrawal, return, and the arrival of a crossing's parcels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from customs.window.facts import FilingLine, FilingOrder, Parties, Shipment, Warehouse
from customs.window.parts import Document, buyer, company, logistics_of, opening, sellers, time14


def signed_for_document(order: FilingOrder, parties: Parties, guid: str, filed_at: datetime, at: datetime) -> Document:
    """The parcel's delivery (513): signed for at `at`."""
    return {
        **opening(guid, filed_at),
        **company("logistics", logistics_of(order, parties)),
        "logisticsNo": order.waybill_no,
        "logisticsStatus": "S",
        "logisticsTime": time14(at),
    }


def cancellation_document(
    order: FilingOrder, parties: Parties, guid: str, filed_at: datetime, *, cop_no: str, invt_no: str, reason: str
) -> Document:
    """The request (623) to withdraw the list `invt_no` before release; `cop_no` is the request's own number."""
    return {**_request(order, parties, guid, filed_at, cop_no, invt_no), "reason": reason}


def return_document(
    order: FilingOrder,
    parties: Parties,
    guid: str,
    filed_at: datetime,
    *,
    cop_no: str,
    invt_no: str,
    reason: str,
    quantities: Sequence[tuple[int, Decimal]],
) -> Document:
    """The request (625) to return goods of the list `invt_no`: pairs of line number and quantity going back."""
    return {
        **_request(order, parties, guid, filed_at, cop_no, invt_no),
        "reason": reason,
        "lines": [_return_line(order.lines[number - 1], number, quantity) for number, quantity in quantities],
    }


def tally_document(
    place: Warehouse,
    shipment: Shipment,
    parties: Parties,
    guid: str,
    filed_at: datetime,
    *,
    cop_no: str,
    parcels: Sequence[str],
) -> Document:
    """The arrival tally (711) of a crossing: the waybills of the parcels that entered the supervised place."""
    return {
        **opening(guid, filed_at),
        "customsCode": place.customs_code,
        "copNo": cop_no,
        **company("operator", place.agent or parties.declarant),
        "ieFlag": "I",
        "trafMode": shipment.traf_mode,
        "trafNo": shipment.traf_no,
        "voyageNo": shipment.voyage_no,
        "billNo": shipment.bill_no,
        **company("logistics", place.logistics or parties.logistics),
        "unloadLocation": place.loct_no,
        "lines": [{"gnum": number, "logisticsNo": waybill} for number, waybill in enumerate(parcels, 1)],
    }


def _request(
    order: FilingOrder, parties: Parties, guid: str, filed_at: datetime, cop_no: str, invt_no: str
) -> Document:
    return {
        **opening(guid, filed_at),
        "customsCode": order.warehouse.customs_code,
        "orderNo": order.number,
        **sellers(order, parties),
        "logisticsNo": order.waybill_no,
        **company("logistics", logistics_of(order, parties)),
        "copNo": cop_no,
        "invtNo": invt_no,
        **buyer(order),
        **company("agent", order.warehouse.agent or parties.declarant),
    }


def _return_line(line: FilingLine, number: int, quantity: Decimal) -> Document:
    return {"gnum": number, "gcode": line.gcode, "gname": line.name_zh, "qty": quantity, "unit": line.unit}
