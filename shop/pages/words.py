"""The platform's closed word lists in the two languages of the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from core.errors import Problem, declared_codes
from shop.pages import (
    coupon_words,
    filing_words,
    notice_words,
    order_words,
    payment_words,
    payout_words,
    people_words,
    receipt_words,
    review_words,
    rfq_words,
    stock_words,
    tax_words,
    window_words,
    zone_words,
)
from shop.window_check.kinds import KINDS

ROUTES = {
    "cross_border_retail": _("Cross-border retail"),
    "general_trade": _("General trade"),
    "services": _("Services"),
    "personal_post": _("Personal articles by post"),
}
MODES = {"1210": _("Bonded warehouse"), "9610": _("Direct mail"), "0110": _("General trade")}
UNITS = {
    "kg": _("kg"),
    "g": _("g"),
    "t": _("tonne"),
    "l": _("litre"),
    "ml": _("ml"),
    "m": _("metre"),
    "piece": _("piece"),
    "item": _("piece"),
    "each": _("piece"),
    "machine": _("machine"),
    "set": _("set"),
    "pair": _("pair"),
    "dozen": _("dozen"),
    "box": _("box"),
    "carton": _("carton"),
    "packet": _("packet"),
    "bag": _("bag"),
    "can": _("can"),
    "bottle": _("bottle"),
    "barrel": _("barrel"),
    "project": _("project"),
    "hour": _("hour"),
}
TAXES = {
    "duty": _("Customs duty"),
    "additional_duty": _("Additional duty"),
    "consumption_tax": _("Consumption tax"),
    "vat": _("Import VAT"),
    "tax": _("All taxes"),
}
ORDER_STATUSES = {
    "awaiting_payment": _("Awaiting payment"),
    "payment_review": _("Payment under review"),
    "paid": _("Paid"),
    "declared": _("Declared to customs"),
    "held": _("Held by customs"),
    "rejected": _("Rejected by customs"),
    "released": _("Released by customs"),
    "shipped": _("Shipped"),
    "delivered": _("Delivered"),
    "completed": _("Completed"),
    "cancelled": _("Cancelled"),
    "refunding": _("Being refunded"),
    "refunded": _("Refunded"),
    "returned": _("Returned"),
}
# The way of an order as a row of narrow steps.
STEPS = {
    "awaiting_payment": _("Ordered"),
    "paid": _("Paid"),
    "declared": _("Filed"),
    "released": _("Cleared"),
    "shipped": _("Sent"),
    "delivered": _("Arrived"),
}
LISTING_STATUSES = {
    "draft": _("Draft"),
    "submitted": _("Under review"),
    "published": _("Published"),
    "withdrawn": _("Withdrawn"),
}
SORTS = {
    "relevance": _("Best match"),
    "newest": _("Newest"),
    "price": _("Price, low to high"),
    "-price": _("Price, high to low"),
}
REPORT_KEYS = {
    "month": _("Month"),
    "hs2": _("Chapter"),
    "hs4": _("Heading"),
    "hs8": _("Tariff line"),
    "origin": _("Origin"),
    "merchant": _("Merchant"),
    "route": _("Route"),
    "zone": _("Zone"),
    "office": _("Customs office"),
}
MEASURES = {
    "mfn": _("MFN rate"),
    "general": _("General rate"),
    "conventional": _("Conventional rate (agreement)"),
    "preference": _("Conventional rate (agreement)"),
    "special_preference": _("Special preference"),
    "provisional": _("Provisional rate"),
    "agreement": _("Conventional rate (agreement)"),
    "quota": _("Tariff quota"),
    "quota_rate": _("Tariff quota"),
    "retaliatory": _("Retaliatory duty"),
    "tariff_quota": _("Tariff quota"),
    "safeguard": _("Safeguard duty"),
    "surtax": _("Additional tariff (surtax)"),
    "anti_dumping": _("Anti-dumping duty"),
    "countervailing": _("Countervailing duty"),
    "reciprocal": _("Reciprocal duty"),
    "cross_border_retail": _("Duty on retail imports"),
    "personal_post": _("Tax on personal articles"),
    "service_vat": _("VAT withheld on services"),
    "vat": _("Import VAT"),
    "consumption_tax": _("Consumption tax"),
}
RATE_CLASSES = {
    "mfn": _("MFN origin"),
    "general": _("Origin at the general rate"),
    "unknown": _("Class of the origin not on file"),
}
VAT_CLASSES = {"standard": _("standard"), "reduced": _("reduced"), "drug": _("listed medicines")}
QUOTA_EVENTS = {"surcharge_starts": _("the surcharge starts"), "state": _("share used")}
STEPS_OF_LAW = {**TAXES, "dutiable_value": _("Dutiable value")}
INPUTS = {
    "goods": _("Goods"),
    "freight": _("Freight"),
    "insurance": _("Insurance"),
    "insurance_basis": _("Insurance reckoned as"),
    "export_costs": _("Costs up to the ship"),
    "incoterm": _("Delivery term"),
    "valuation_method": _("Method of valuation"),
    "commission": _("Commission"),
    "container": _("Containers"),
    "packing": _("Packing"),
    "assist": _("Goods and services supplied by the buyer"),
    "royalty": _("Royalties and licence fees"),
    "proceeds": _("Proceeds of resale"),
    "construction": _("Construction after import"),
    "installation": _("Installation after import"),
    "assembly": _("Assembly after import"),
    "repair": _("Repair after import"),
    "technical_service": _("Technical service after import"),
    "training": _("Training after import"),
    "inland_transport": _("Carriage after unloading"),
    "import_taxes": _("Import duties and taxes in the price"),
    "currency": _("Currency"),
    "exchange_rate": _("Exchange rate"),
    "exchange_rate_source": _("Rate taken from"),
    "exchange_rate_since": _("Rate in force since"),
    "exchange_rate_fixed_on": _("Rate fixed on"),
    "dutiable_value": _("Dutiable value"),
    "base": _("Tax base"),
    "rate": _("Rate"),
    "share": _("Share levied"),
    "kind": _("Kind"),
    "quantity": _("Quantity"),
    "reason": _("Reason"),
    "agreement": _("Agreement"),
    "measure": _("Measure"),
    "quota": _("Quota"),
}
REQUIREMENTS = {
    "automatic_import_licence": _("Automatic import licence"),
    "entry_inspection": _("Entry inspection"),
    "cites_import_permit": _("Endangered species permit"),
    "legal_catch_certificate": _("Certificate of legal catch"),
    "tariff_quota_certificate": _("Tariff quota certificate"),
    "used_goods_prohibited": _("Used goods prohibited"),
    "import_licence": _("Import licence"),
    "quarantine": _("Quarantine"),
    "establishment_registration": _("Registered establishment"),
    "import_conditions": _("Conditions of import"),
    "quota_state_unknown": _("State of the quota unknown"),
    "outside_coverage": _("Outside what has been read"),
    "retail_positive_list": _("On the retail import list"),
    "weight_cap": _("Weight a person may import"),
    "own_use": _("For own use, in a reasonable quantity"),
    "not_retail": _("No goods of cross-border retail"),
    "indivisible": _("One indivisible article"),
    "purchase_invoice": _("Invoice of the seller"),
    "article_unnamed": _("Article not named"),
    "post_quarantine": _("May not be mailed"),
    "withholding_agent": _("VAT withheld by the buyer"),
    "tax_payment_certificate": _("Tax payment certificate"),
    "technology_contract": _("Recognised technology contract"),
    "supervision": _("Supervision conditions"),
    "ban": _("Import ban"),
    "conditions": _("Conditions of import"),
    "positive_list_remark": _("Remark of the retail import list"),
    "establishment_number_missing": _("Registered establishment"),
    "establishment_may_be_needed": _("Registered establishment"),
    "establishment_verified": _("Registered establishment"),
    "establishment_unverified": _("Registered establishment, not verified"),
    "establishment_refused": _("Registered establishment"),
}
STANDINGS = {
    "official": _("official text"),
    "secondary": _("read in a secondary source"),
    "assumed": _("assumed, no text read"),
}
RANK_PARTS = {
    "text": _("Match with the words"),
    "availability": _("In stock"),
    "freshness": _("Life left"),
    "price": _("Price within its category"),
    "delivery": _("Orders that arrived in time"),
    "exact": _("The very code or sku"),
}
ALLOWANCE_KINDS = {
    "held": _("held"),
    "used": _("used"),
    "moved": _("moved to the new year"),
    "confirmed": _("confirmed at release"),
    "cancelled": _("given back: cancelled"),
    "expired": _("given back: not paid"),
    "rejected": _("given back: rejected"),
    "returned": _("given back: returned"),
    "weighed": _("given back: weighed"),
}
EVENTS = {
    **ORDER_STATUSES,
    **order_words.EVENTS,
    "placed": _("Order placed"),
    "hold_expired": _("Not paid in time"),
    "late_payment": _("Paid too late, refunded"),
    "weighed": _("Weighed"),
    "cancellation_requested": _("Cancellation asked of customs"),
    "cancel_refused": _("Customs refused the cancellation"),
    "refund_promised": _("Refund promised"),
    "refund_paid": _("Refund paid"),
    "authorised": _("Held on the card until weighed"),
    "priced_by_weight": _("Priced by the real weight"),
    "refund_waits": _("Refund waits for the end of a dispute"),
    "dispute_opened": _("Payment disputed by the bank"),
    "dispute_won": _("Dispute won"),
    "dispute_lost": _("Dispute lost"),
    "tax_settled": _("Tax billed by customs"),
    "tax_void": _("Tax bill void"),
}
DISPUTE_STATES = {
    "inquiry": _("The bank asks"),
    "open": _("Disputed"),
    "won": _("Won"),
    "lost": _("Lost"),
}
# Of declarations and of their documents.
DECLARATION_STATUSES = {
    "draft": _("Draft"),
    "pending": _("Waiting to be sent"),
    "ready": _("Waiting to be sent"),
    "failed": _("Could not be filed"),
    "send_failed": _("Did not reach customs"),
    "filed": _("Filed"),
    "stored": _("Stored at the port"),
    "declaring": _("Being declared"),
    "sent": _("Sent to customs"),
    "received": _("Received by customs"),
    "declared": _("Declared to customs"),
    "manual_check": _("An officer looks at it"),
    "inspection": _("Inspection"),
    "detained": _("Detained"),
    "concluded": _("Papers examined"),
    "accepted": _("Granted"),
    "held": _("Held by customs"),
    "rejected": _("Rejected by customs"),
    "refused": _("Refused by the window"),
    "released": _("Released by customs"),
    "closed": _("Closed by customs"),
    "cancelled": _("Cancelled"),
    "returned_abroad": _("Returned abroad"),
}
FILE_STATUSES = {"queued": _("Waiting"), "running": _("Under way"), "done": _("Done"), "failed": _("Not readable")}
DOCUMENT_KINDS = {
    "311": _("Order"),
    "411": _("Payment"),
    "511": _("Waybill"),
    "513": _("Delivery"),
    "621": _("Retail list"),
    "623": _("Withdrawal"),
    "625": _("Return"),
    "711": _("Arrival tally"),
}
STATUS_TONES = {
    "awaiting_payment": "badge-warn",
    "payment_review": "badge-warn",
    "held": "badge-warn",
    "rejected": "badge-bad",
    "cancelled": "badge-bad",
    "refunding": "badge-warn",
    "released": "badge-good",
    "shipped": "badge-good",
    "delivered": "badge-good",
    "completed": "badge-good",
}


def label(words: Mapping[str, Any]) -> Callable[[Any], str]:
    """A template filter: the word's label, or the word itself in plain letters when the list does not know it."""

    def read(value: Any) -> str:
        known = words.get(str(value))
        return str(known) if known is not None else str(value or "–").replace("_", " ")

    return read


NOTICE_KINDS = {
    "listing_closed_by_law": _("The law closed: your listing is out of the shop"),
    "listing_published": _("Your listing was approved and is in the shop"),
    "listing_draft": _("Your listing was not approved"),
    "listing_withdrawn": _("Your listing was taken out of the shop"),
    "lot_recall": _("An operator recalled a lot of yours"),
    "lot_quarantine": _("An operator put a lot of yours into quarantine"),
    "lot_released": _("An operator lifted the quarantine of a lot of yours"),
    **rfq_words.NOTICES,
}
FILTERS: dict[str, Callable[..., Any]] = {
    "notice_kind": label(NOTICE_KINDS),
    "hook_kind": label(notice_words.KINDS),
    "hook_status": label(notice_words.STATUSES),
    "hook_tone": lambda status: notice_words.TONES.get(status, "badge-sea"),
    "file_status": label(FILE_STATUSES),
    "route": label(ROUTES),
    "mode": label(MODES),
    "unit": label(UNITS),
    "tax_kind": label(TAXES),
    "order_status": label(ORDER_STATUSES),
    "step": label(STEPS),
    "listing_status": label(LISTING_STATUSES),
    "report_key": label(REPORT_KEYS),
    "measure": label(MEASURES),
    "rate_class": label(RATE_CLASSES),
    "vat_class": label(VAT_CLASSES),
    "quota_event": label(QUOTA_EVENTS),
    "standing": label(STANDINGS),
    "step_name": label(STEPS_OF_LAW),
    "input_name": label(INPUTS),
    "requirement_code": label(REQUIREMENTS),
    "rank_part": label(RANK_PARTS),
    "document_kind": label(DOCUMENT_KINDS),
    "allowance_kind": label(ALLOWANCE_KINDS),
    "finding": review_words.finding,
    "shared": label(review_words.SHARED),
    "cap_group": label(review_words.CAP_GROUPS),
    "declaration_status": label(DECLARATION_STATUSES),
    "receipt_state": label(receipt_words.RECEIPT_STATES),
    "receipt_reason": receipt_words.receipt_reason,
    "refiling": label(receipt_words.REFILINGS),
    "status_tone": lambda status: STATUS_TONES.get(status, "badge-sea"),
    "event_name": label(EVENTS),
    "next_step": order_words.next_step,
    "remark": order_words.remark,
    "notice_how": label(order_words.HOW),
    "coupon_state": label(coupon_words.STATES),
    "promotion_state": label(coupon_words.PROMOTION_STATES),
    "promotion_tone": lambda state: coupon_words.PROMOTION_TONES.get(state, "badge-sea"),
    "coupon_tone": lambda state: coupon_words.TONES.get(state, "badge-sea"),
    "company_status": label(rfq_words.COMPANY_STATUSES),
    "company_decision": label(rfq_words.COMPANY_DECISIONS),
    "member_role": label(people_words.MEMBER_ROLES),
    "role_hint": label(people_words.ROLE_HINTS),
    "merchant_status": label(people_words.MERCHANT_STATUSES),
    "block_kind": label(stock_words.BLOCK_KINDS),
    "block_tone": lambda kind: stock_words.BLOCK_TONES.get(kind, "badge-sea"),
    "movement_kind": label(stock_words.MOVEMENT_KINDS),
    "entry_state": label(zone_words.ENTRY_STATES),
    "exit_state": label(zone_words.EXIT_STATES),
    "exit_kind": label(zone_words.EXIT_KINDS),
    "zone_step": label(zone_words.STEPS),
    "zone_return_state": label(zone_words.RETURN_STATES),
    "zone_tone": lambda status: zone_words.TONES.get(status, "badge-sea"),
    "book_kind": label(zone_words.BOOK_KINDS),
    "book_difference": label(zone_words.DIFFERENCES),
    "dispute_state": label(DISPUTE_STATES),
    "dead_reason": label(window_words.DEAD_REASONS),
    "dead_tone": lambda reason: window_words.DEAD_TONES.get(reason, "badge-sea"),
    "what_to_do": label(window_words.WHAT_TO_DO),
    "attempt_outcome": label(window_words.ATTEMPT_OUTCOMES),
    "transport_name": label(window_words.TRANSPORT_NAMES),
    "sending_error": window_words.sending_error,
    "filing_advice": filing_words.advice,
    "filing_rule": filing_words.rule,
    "payment_answer": payment_words.answer,
    "payment_question": label(payment_words.QUESTION_STATES),
    "payment_question_tone": lambda state: payment_words.QUESTION_TONES.get(state, "badge-sea"),
    "recall_outcome": label(stock_words.RECALL_OUTCOMES),
    "rfq_status": label(rfq_words.RFQ_STATUSES),
    "offer_status": label(rfq_words.OFFER_STATUSES),
    "rfq_tone": lambda status: rfq_words.TONES.get(status, "badge-sea"),
    "rfq_question": label(rfq_words.QUESTIONS),
    "offer_part": label(rfq_words.PARTS),
    "rfq_purchase": label(rfq_words.PURCHASE_STATUSES),
    "rfq_side": label(rfq_words.SIDES),
    "payout_status": label(payout_words.PAYOUT_STATUSES),
    "payout_tone": lambda status: payout_words.PAYOUT_TONES.get(status, "badge-sea"),
    "due_state": label(payout_words.DUE_STATES),
    "payout_hold": label(payout_words.HOLDS),
    "payout_account": label(payout_words.ACCOUNT_STATES),
    "ledger_account": label(payout_words.LEDGER_ACCOUNTS),
    "cause": label(tax_words.CAUSES),
    "difference_kind": label(tax_words.DIFFERENCE_KINDS),
    "due_tax": label(tax_words.DUE_STATES),
    "phase": label(tax_words.PHASES),
    "phase_tone": lambda phase: tax_words.PHASE_TONES.get(phase, "badge-sea"),
    "guarantee_move": label(tax_words.MOVES),
    "finding_state": label(tax_words.FINDING_STATES),
    "finding_title": lambda kind: gettext(KINDS[kind].title) if kind in KINDS else str(kind),
    "finding_action": lambda kind: gettext(KINDS[kind].action) if kind in KINDS else "",
}


def code_title(code: str) -> str:
    """The title of a refusal by its code; the code in plain letters when nobody declared it."""
    titles = {entry.word: entry.title for entry in declared_codes()}
    return gettext(titles[code]) if code in titles else code.replace("_", " ")


FILTERS["block_title"] = code_title


def problem_title(problem: Problem) -> str:
    """A refusal's title in the language of the page; titles are declared in English next to what raises them."""
    return gettext(problem.title)
