"""Receipts: their XML, and the way each takes through the scripted faults into the queue of deliveries."""

from __future__ import annotations

import uuid
from typing import Any

from lxml import etree

from sandboxes.window import faults
from sandboxes.window.layout import CEB
from sandboxes.window.signing import Seal
from sandboxes.window.store import Document, Store, epoch
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

    def __init__(self, store: Store, seal: Seal | None) -> None:
        self._store = store
        self._seal = seal

    def status(self, document: Document, code: str, info: str) -> None:
        """A new status of a document, and the receipt that says so."""
        stamp = self._store.clock.stamp()
        invt_no = document.invt_no
        if document.kind == "621" and code == "120":
            invt_no = f"{document.content['customsCode']}{stamp[:4]}I{self._store.next_serial():09d}"
        self._store.put(type="status", kind=document.kind, name=document.name, status=code, at=stamp, invt_no=invt_no)
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
        self._queue(kind, document, code, root)

    def bill(self, document: Document, lines: list[TaxLine]) -> None:
        """The tax bill (816) of a list."""
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
        self._queue("816", document, "1", root)

    def bill_state(self, document: Document, state: str) -> None:
        """A change of state (818) of the tax bill; consolidated bills name their payment notice."""
        notice = f"{document.content['customsCode']}{self._store.clock.today():%Y%m}L{self._store.next_serial():09d}"
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
        self._queue("818", document, state, root)

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
        self._send("900", ("900", message_id), "-1", root, f"900/{message_id}", 0)

    def again(self, document: Document) -> None:
        """Send once more what the filer may have missed: lost receipts and the latest one."""
        own = [receipt for receipt in self._store.receipts.values() if receipt.of == document.key]
        latest = max((receipt.number for receipt in own), default=0)
        for receipt in own:
            if receipt.state == "lost" or (receipt.number == latest and receipt.state == "delivered"):
                self._store.put(type="delivery", number=receipt.number, state="waiting")

    def _queue(self, kind: str, document: Document, code: str, root: etree._Element) -> None:
        fault = faults.take(self._store, faults.ON_DELIVERY, kind, document.content.get("orderNo", ""), code)
        name = fault["fault"] if fault else ""
        lane = f"{document.kind}/{document.name}"
        delay = fault["seconds"] if fault and name == "delay" else 0
        for copy in range(int(fault["copies"]) if fault and name == "duplicate" else 1):
            # A delayed, repeated or overtaken receipt leaves its lane, so that it holds up no other.
            own = lane if not name or (name == "duplicate" and not copy) else f"{lane}#{self._store.serial}-{copy}"
            self._send(kind, document.key, code, root, own, delay, lost=name == "lose", overtaken=name == "reorder")

    def _send(
        self,
        kind: str,
        of: tuple[str, str],
        status: str,
        root: etree._Element,
        lane: str,
        delay: float,
        lost: bool = False,
        overtaken: bool = False,
    ) -> None:
        if self._seal is not None and not root.findall("{http://www.w3.org/2000/09/xmldsig#}Signature"):
            self._seal.sign(root)
        number = self._store.next_serial()
        self._store.put(
            type="receipt",
            number=number,
            kind=kind,
            of=of,
            status=status,
            xml=etree.tostring(root, encoding="unicode"),
            lane=f"{lane}#{number}" if overtaken else lane,
            due=epoch() + (REORDER_SECONDS_MAX if overtaken else delay),
            after=number if overtaken else 0,
            state="lost" if lost else "waiting",
        )


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
