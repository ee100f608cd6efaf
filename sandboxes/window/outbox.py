"""Receipts: their XML, and the way each takes through the scripted faults into the queue of deliveries."""

from __future__ import annotations

import uuid
from typing import Any

from lxml import etree

from sandboxes.window.faults import ON_DELIVERY, Scripts
from sandboxes.window.layout import CEB
from sandboxes.window.queue import Queue, Receipt
from sandboxes.window.signing import Seal
from sandboxes.window.store import Document, Store
from sandboxes.window.taxes import TaxLine

RECEIPT_OF = {
    "311": "312",
    "411": "412",
    "511": "512",
    "513": "514",
    "621": "622",
    "623": "624",
    "625": "626",
    "711": "712",
}
NODES = {
    "312": "OrderReturn",
    "412": "PaymentReturn",
    "512": "LogisticsReturn",
    "514": "LogisticsStatusReturn",
    "622": "InventoryReturn",
    "624": "InvtCancelReturn",
    "626": "InvtRefundReturn",
    "712": "DeliveryReturn",
}
KEYS = {
    "312": ("ebpCode", "ebcCode", "orderNo"),
    "412": ("payCode", "payTransactionId"),
    "512": ("logisticsCode", "logisticsNo"),
    "514": ("logisticsCode", "logisticsNo", "logisticsStatus"),
    "622": ("customsCode", "ebpCode", "ebcCode", "agentCode", "copNo"),
    "624": ("customsCode", "agentCode", "ebpCode", "ebcCode", "copNo"),
    "626": ("customsCode", "agentCode", "ebpCode", "ebcCode", "copNo"),
    "712": ("customsCode", "operatorCode", "copNo"),
}
REORDER_SECONDS_MAX = 10


class Outbox:
    """Writes receipts and queues them; call inside a step."""

    def __init__(self, store: Store, queue: Queue, scripts: Scripts, seal: Seal | None) -> None:
        self._store = store
        self._queue = queue
        self._scripts = scripts
        self._seal = seal

    def status(self, document: Document, code: str, info: str) -> None:
        """A new status of a document, and the receipt that says so."""
        invt_no = ""
        if document.kind == "621" and code == "120":
            serial = self._store.database.next_serial()
            invt_no = f"{document.content['customsCode']}{self._store.clock.today():%Y}I{serial:09d}"
        stamp = self._store.move(document, code, info, invt_no)
        self._answer(document, document.content, code, info, stamp)

    def refuse_beside(self, document: Document, newcomer: dict[str, Any], code: str, info: str) -> None:
        """Refuse another filing under the name of a document that stands and stays as it is."""
        self._answer(document, newcomer, code, info, self._store.clock.stamp())

    def _answer(self, document: Document, content: dict[str, Any], code: str, info: str, stamp: str) -> None:
        kind = RECEIPT_OF[document.kind]
        values = {name: content.get(name, "") for name in KEYS[kind]}
        if kind in ("622", "624", "626", "712"):
            values["preNo"] = document.pre_no
        if kind in ("622", "624", "626"):
            values["invtNo"] = document.invt_no or content.get("invtNo", "")
        values |= {"returnStatus": code, "returnTime": stamp, "returnInfo": info[:1000]}
        root = _root(kind)
        _fill(root, NODES[kind], {"guid": _guid(), **{name: text for name, text in values.items() if text}})
        self._pass_on(kind, document, code, root)

    def bill(self, document: Document, lines: list[TaxLine]) -> None:
        """The tax bill (816) of a list."""
        self._store.set_bill(document, "1")
        head = {
            "guid": _guid(),
            "returnTime": self._store.clock.stamp(),
            "invtNo": document.invt_no,
            "taxNo": f"{document.invt_no}T001",
            "customsTax": _text(sum(line.duty for line in lines)),
            "valueAddedTax": _text(sum(line.vat for line in lines)),
            "consumptionTax": _text(sum(line.consumption for line in lines)),
            "status": "1",
            "assureCode": document.content["assureCode"],
            "ebcCode": document.content["ebcCode"],
            "logisticsCode": document.content["logisticsCode"],
            "agentCode": document.content["agentCode"],
            "customsCode": document.content["customsCode"],
        }
        root = _root("816")
        tax = _fill(root, "Tax", {})
        _fill(tax, "TaxHeadRd", head)
        for line in lines:
            amounts = {"taxPrice": line.price, "customsTax": line.duty, "valueAddedTax": line.vat}
            texts = {name: _text(amount) for name, amount in amounts.items()}
            own = {"gnum": line.gnum, "gcode": line.gcode, **texts, "consumptionTax": _text(line.consumption)}
            _fill(tax, "TaxListRd", own)
        self._pass_on("816", document, "1", root)

    def bill_state(self, document: Document, state: str) -> None:
        """A change of state (818) of the tax bill; consolidated bills name their payment notice."""
        self._store.set_bill(document, state)
        serial = self._store.database.next_serial()
        notice = f"{document.content['customsCode']}{self._store.clock.today():%Y%m}L{serial:09d}"
        head = {
            "guid": _guid(),
            "returnTime": self._store.clock.stamp(),
            "invtNo": document.invt_no,
            "taxNo": f"{document.invt_no}T001",
            "status": state,
            "entDutyNo": notice if state == "2" else "",
            "assureCode": document.content["assureCode"],
        }
        root = _root("818")
        _fill(_fill(root, "Tax", {}), "TaxHeadStatus", {name: text for name, text in head.items() if text})
        self._pass_on("818", document, state, root)

    def unreadable(self, message_id: str, message_type: str, info: str) -> None:
        """The result of the format check (900) for what could not be told apart."""
        values = {
            "guid": _guid(),
            "returnStatus": "-1",
            "returnInfo": info,
            "returnTime": self._store.clock.stamp(),
            "oriCopMsgId": message_id[:255],
            "oriMessageType": message_type[:15] or "Unknown",
            "oriBizMessage": "",
        }
        root = _root("900")
        _fill(root, "MessageReturn", values)
        self._send("900", None, "-1", root, f"900/{message_id}"[:300], 0)

    def again(self, document: Document) -> None:
        """Send once more what the filer may have missed: lost receipts and the latest one."""
        self._queue.again(document.number)

    def _pass_on(self, kind: str, document: Document, code: str, root: etree._Element) -> None:
        """A delayed, repeated or overtaken receipt leaves its lane, so that it holds up no other."""
        fault = self._scripts.take(ON_DELIVERY, kind, document, code)
        name = fault["fault"] if fault else ""
        delay = fault["seconds"] if fault and name == "delay" else 0
        for copy in range(int(fault["copies"]) if fault and name == "duplicate" else 1):
            own = bool(name) and not (name == "duplicate" and not copy)
            lane = f"{document.number}#{self._store.database.next_serial()}" if own else str(document.number)
            self._send(kind, document, code, root, lane, delay, lost=name == "lose", overtaken=name == "reorder")

    def _send(
        self,
        kind: str,
        document: Document | None,
        status: str,
        root: etree._Element,
        lane: str,
        delay: float,
        lost: bool = False,
        overtaken: bool = False,
    ) -> None:
        if self._seal is not None and not root.findall("{http://www.w3.org/2000/09/xmldsig#}Signature"):
            self._seal.sign(root)
        receipt = Receipt(
            number=self._store.database.next_serial(),
            kind=kind,
            document=document.number if document else None,
            guid=root.get("guid", ""),
            order_no=document.order_no if document else "",
            status=status,
            xml=etree.tostring(root, encoding="unicode"),
            lane=lane,
            attempts=0,
        )
        self._queue.add(receipt, REORDER_SECONDS_MAX if overtaken else delay, overtaken=overtaken, lost=lost)


def _guid() -> str:
    return str(uuid.uuid4()).upper()


def _root(kind: str) -> etree._Element:
    return etree.Element(f"{{{CEB}}}CEB{kind}Message", {"guid": _guid(), "version": "1.0"}, nsmap={None: CEB})


def _fill(parent: etree._Element, name: str, values: dict[str, str]) -> etree._Element:
    node = etree.SubElement(parent, f"{{{CEB}}}{name}")
    for element, text in values.items():
        etree.SubElement(node, f"{{{CEB}}}{element}").text = text
    return node


def _text(amount: Any) -> str:
    return f"{amount:.2f}"
