"""What the check can find: a title and what to do about it, in English; the pages translate both."""

from __future__ import annotations

from typing import NamedTuple


def N_(text: str) -> str:
    """The usual mark of a text that is translated where it is shown."""
    return text


class Kind(NamedTuple):
    title: str
    action: str


KINDS = {
    "declaration_missing": Kind(
        N_("A paid order has no live declaration"),
        N_(
            "See the incident under Books and run the failed job again under Failed jobs; where it cannot be "
            "filed, cancel the order, so that the buyer is paid back."
        ),
    ),
    "declaration_of_unpaid": Kind(
        N_("A declaration lives though its order is not paid or has ended"),
        N_("Withdraw the declaration at customs before the goods are released."),
    ),
    "declaration_of_nobody": Kind(
        N_("A declaration names an order that does not exist"),
        N_("Withdraw it, and find out who opened it: the audit log names the actor."),
    ),
    "filing_stuck": Kind(
        N_("A declaration is not filed"),
        N_("Read its reason on the declaration's page and correct it there; run a failed job again under Failed jobs."),
    ),
    "document_unanswered": Kind(
        N_("Customs has not answered a document in time"),
        N_(
            "Resend it under Dead letters (window dead-letters, window resend ID); where it is not there, ask "
            "the single window about the guid."
        ),
    ),
    "receipt_waiting": Kind(
        N_("A receipt was stored and not applied"),
        N_("Run the failed job of the receipt again under Failed jobs; where there is none, see that the worker runs."),
    ),
    "receipt_quarantined": Kind(
        N_("A receipt speaks of nothing we have sent"),
        N_(
            "Compare its numbers under Receipts without a document: try it again, bind it or set it aside "
            "(window quarantine)."
        ),
    ),
    "allowance_state": Kind(
        N_("An allowance is in another state than its order"),
        N_("Compare the person's entries with the order; no command mends this, so call who looks after the database."),
    ),
    "allowance_amount": Kind(
        N_("An allowance is not the value declared"),
        N_(
            "Compare hold, declaration and returns of the order; no command mends this:"
            " call who looks after the database."
        ),
    ),
    "allowance_sum": Kind(
        N_("A year's allowance is not the sum of its orders"),
        N_("No command mends this: call who looks after the database, before the person orders again."),
    ),
    "tax_held": Kind(
        N_("The tax held in the books is not the tax declared"),
        N_("Run ledger check, which names what differs; the platform bears the difference."),
    ),
    "tax_lines": Kind(
        N_("Order and declaration differ line by line"),
        N_("Compare both; what was declared wrongly is amended before release, returned after it."),
    ),
    "amount_paid": Kind(
        N_("The amount declared is not the amount paid"),
        N_("Compare the payment with the declared amounts; amend the declaration before release."),
    ),
    "bill_missing": Kind(
        N_("Customs has sent no tax bill though its days of payment have begun"),
        N_("Ask customs for the bill of the list; look for it under Receipts without a document."),
    ),
    "bill_twice": Kind(
        N_("A list has more than one live tax bill"), N_("Ask customs to void one of them before they are paid.")
    ),
    "bill_over": Kind(
        N_("A list that ended without tax has a live bill"), N_("Ask customs to void the bill; do not pay it.")
    ),
    "bill_differs": Kind(
        N_("A tax bill differs and neither freight nor rounding explains it"),
        N_("Compare rate and quantity with the list; object at customs, or accept it with a remark."),
    ),
    "bill_unsettled": Kind(
        N_("A tax bill is not settled in the books as it stands"),
        N_("Run the failed job of its last receipt again under Failed jobs, then ledger check."),
    ),
    "bill_overdue": Kind(
        N_("The term of a tax bill is over and it is not paid"),
        N_("Pay at once and mark it as paid under Taxes due: late fees run by the day."),
    ),
    "payment_open": Kind(
        N_("A consolidated payment is not paid, or not what its bills ask"),
        N_(
            "Pay it, or its difference, at the bank and mark it as paid under Taxes due; where the sum is not "
            "yours, ask customs for its bills."
        ),
    ),
    "account_book": Kind(
        N_("The account book of a zone and the stock there differ"),
        N_(
            "Run zone check and count the lot; what is missing leaves by an exit, what is too much was not "
            "entered: ask customs."
        ),
    ),
    "guarantee_sum": Kind(
        N_("A guarantee in use is not the sum of its lists"),
        N_(
            "Read the guarantee's log under Guarantees; the amount in use is wrong in the database itself, so "
            "call who looks after it before more is filed."
        ),
    ),
    "guarantee_kept": Kind(
        N_("A guarantee is kept for a list that needs it no more"),
        N_(
            "Give it back under Guarantees (window guarantee release NUMBER --reason); if it comes again, look "
            "for the receipt that was not applied."
        ),
    ),
    "guarantee_missing": Kind(
        N_("A list is under way under a guarantee and keeps nothing of it"),
        N_("Keep its tax (window guarantee keep NUMBER --reason); without room refill the guarantee first."),
    ),
    "consignment_overdue": Kind(
        N_("The term of a consignment's tax is over and it is not paid"),
        N_("Pay it and mark its number as paid under Taxes due: late fees run by the day."),
    ),
}
