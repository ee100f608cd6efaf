"""The documents of an order as dicts that `messages.build` takes: who says what, once (rules: filing facts, A13, A14).

Every function takes the guid of its document: a document sent again keeps it. `filed_at` is the instant of filing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from core.money import plain, round_to_fen
from customs.window.facts import Company, FilingLine, FilingOrder, Parties, Role
from customs.window.messages import Transfer
from customs.window.parts import Document, buyer, company, day8, logistics_of, opening, sellers, time14, yuan
from customs.window.rules import BONDED, CHINA

CNY = "142"
NO_BAR_CODE = "无"
ALWAYS_DECLARABLE = 999  # half a step of the price for each of them stays below half a fen
_PRICE_STEP = Decimal("0.00001")
_LIST_ITEM_NO_MAX = 20
_GOODS_INFO_MAX = 200


def transfer_of(parties: Parties) -> Transfer:
    """Who transmits our messages, and who else is told."""
    return Transfer(parties.transmitter.code, parties.transmitter.name, parties.dxp_id, parties.subscribers)


def order_document(order: FilingOrder, parties: Parties, guid: str, filed_at: datetime) -> Document:
    """The order (311). Its freight is freight and insurance together (A14); coupons are `discount`, not price (A13)."""
    return {
        **opening(guid, filed_at),
        "orderType": "I",
        "orderNo": order.number,
        **sellers(order, parties),
        "goodsValue": yuan(order.goods_fen),
        "freight": yuan(order.freight_fen + order.insurance_fen),
        "discount": yuan(order.discount_fen),
        "taxTotal": yuan(order.tax_fen),
        "acturalPaid": yuan(order.paid_fen),
        "currency": CNY,
        "buyerRegNo": order.buyer_account,
        **buyer(order),
        **company("pay", parties.payment),
        "payTransactionId": order.payment_no,
        **_consignee(order),
        "consigneeDistrict": order.consignee.district_code,
        "lines": [_order_line(number, line) for number, line in enumerate(order.lines, 1)],
    }


def payment_document(order: FilingOrder, parties: Parties, guid: str, filed_at: datetime) -> Document:
    """The payment (411) of exactly this order, though one card payment may cover several."""
    return {
        **opening(guid, filed_at),
        **company("pay", parties.payment),
        "payTransactionId": order.payment_no,
        "orderNo": order.number,
        **company("ebp", parties.platform),
        "payerIdType": "1",
        "payerIdNumber": order.payer.id_number,
        "payerName": order.payer.name,
        "telephone": order.payer.phone or None,
        "amountPaid": yuan(order.paid_fen),
        "currency": CNY,
        "payTime": time14(order.paid_at),
    }


def waybill_document(order: FilingOrder, parties: Parties, guid: str, filed_at: datetime) -> Document:
    """The waybill (511); the parcel's number exists before anything is filed."""
    return {
        **opening(guid, filed_at),
        **company("logistics", logistics_of(order, parties)),
        "logisticsNo": order.waybill_no,
        "billNo": order.shipment.bill_no if order.shipment and order.warehouse.mode != BONDED else None,
        "orderNo": order.number,
        "freight": yuan(order.freight_fen),
        "insuredFee": yuan(order.insurance_fen),
        "currency": CNY,
        "weight": order.gross_weight_kg,
        "packNo": 1,
        "goodsInfo": _goods_info(order.lines),
        **_consignee(order),
    }


def inventory_document(order: FilingOrder, parties: Parties, guid: str, filed_at: datetime) -> Document:
    """The inventory list (621), the declaration itself; freight and insurance stand apart."""
    place = order.warehouse
    return {
        **opening(guid, filed_at),
        "orderNo": order.number,
        **sellers(order, parties),
        "logisticsNo": order.waybill_no,
        **company("logistics", logistics_of(order, parties)),
        "copNo": order.number,
        "assureCode": _guarantor(order, parties).code,
        "emsNo": place.ems_no,
        "ieFlag": "I",
        "declTime": day8(filed_at),
        "customsCode": place.customs_code,
        "portCode": place.port_code,
        **buyer(order),
        "consigneeAddress": order.consignee.address,
        **company("agent", place.agent or parties.declarant),
        **(company("area", place.area) if place.area else {}),
        "tradeMode": place.mode,
        **_crossing(order),
        "loctNo": place.loct_no,
        "licenseNo": next((line.licence_no for line in order.lines if line.licence_no), None),
        "freight": yuan(order.freight_fen),
        "insuredFee": yuan(order.insurance_fen),
        "currency": CNY,
        "packNo": 1,
        "grossWeight": order.gross_weight_kg,
        "netWeight": order.net_weight_kg,
        "lines": [_list_line(number, line) for number, line in enumerate(order.lines, 1)],
    }


def declared_price(line: FilingLine) -> Decimal:
    """The unit price, five places at most: the shown one, or the one that gives the line's total (A13)."""
    shown = line.price
    if shown is not None and round_to_fen(shown * line.quantity) == line.total_fen:
        return shown
    return _spread(line.total_fen, line.quantity)


def _spread(total_fen: int, quantity: Decimal) -> Decimal:
    return (yuan(total_fen) / quantity).quantize(_PRICE_STEP, ROUND_HALF_UP)


def declarable(total_fen: int, quantity: Decimal) -> bool:
    """Whether a unit price of five places gives this total; always for a quantity up to ALWAYS_DECLARABLE."""
    return round_to_fen(_spread(total_fen, quantity) * quantity) == total_fen


def gmodel(line: FilingLine) -> str:
    """The declaration elements of the goods code in their order, as customs reads them."""
    return "|".join(value for _, value in line.elements)


def _guarantor(order: FilingOrder, parties: Parties) -> Company:
    role: Role = order.warehouse.guarantor or parties.guarantor
    return {
        "platform": parties.platform,
        "merchant": order.merchant,
        "logistics": logistics_of(order, parties),
    }[role]


def _consignee(order: FilingOrder) -> Document:
    to = order.consignee
    return {"consignee": to.name, "consigneeTelephone": to.phone, "consigneeAddress": to.address}


def _crossing(order: FilingOrder) -> Document:
    """Direct purchase names the border crossing; bonded goods were long in the country, and say so with 142."""
    shipment = order.shipment
    if order.warehouse.mode == BONDED or shipment is None:
        country = CHINA if order.warehouse.mode == BONDED else None
        return {"trafMode": order.warehouse.traf_mode, "country": country}
    return {
        "ieDate": shipment.entry_day.strftime("%Y%m%d") if shipment.entry_day else None,
        "trafMode": shipment.traf_mode,
        "trafNo": shipment.traf_no,
        "voyageNo": shipment.voyage_no,
        "billNo": shipment.bill_no,
        "country": shipment.dispatch_country,
    }


def _sale(line: FilingLine) -> Document:
    return {
        "gmodel": gmodel(line),
        "unit": line.unit,
        "qty": line.quantity,
        "price": declared_price(line),
        "totalPrice": yuan(line.total_fen),
        "currency": CNY,
        "country": line.origin_country,
    }


def _order_line(number: int, line: FilingLine) -> Document:
    return {
        "gnum": number,
        "itemNo": line.item_no,
        "itemName": line.name_zh,
        "barCode": line.bar_code or None,
        **_sale(line),
    }


def _list_line(number: int, line: FilingLine) -> Document:
    """The list has room for 20 characters of the article number; a longer one stays in the order, never cut."""
    return {
        "gnum": number,
        "itemRecordNo": line.item_record_no,
        "itemNo": line.item_no if len(line.item_no) <= _LIST_ITEM_NO_MAX else None,
        "itemName": line.name_zh,
        "gcode": line.gcode,
        "gname": line.name_zh,
        "barCode": line.bar_code or NO_BAR_CODE,
        **_sale(line),
        "qty1": line.quantity1,
        "unit1": line.unit1,
        "qty2": line.quantity2,
        "unit2": line.unit2,
    }


def _goods_info(lines: Sequence[FilingLine]) -> str:
    """The main goods of the parcel; an informal field, so what does not fit is left away."""
    return "；".join(f"{line.name_zh} {plain(line.quantity)}" for line in lines)[:_GOODS_INFO_MAX]
