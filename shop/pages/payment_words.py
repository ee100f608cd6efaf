"""Words of what customs wants to know of payments."""

from __future__ import annotations

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from customs.payment_data.upload import LACKING, NOT_REACHED

QUESTION_STATES = {"waiting": _("Being uploaded"), "uploaded": _("Uploaded"), "dead": _("Given up")}
QUESTION_TONES = {"waiting": "badge-sea", "uploaded": "badge-good", "dead": "badge-bad"}

_ANSWERS = {
    "nothing is kept of the payment of this order": _("nothing is kept of the payment of this order"),
    "PAYMENT_DATA_URL is not set": _("PAYMENT_DATA_URL is not set"),
    "the answer is not JSON": _("the answer is not JSON"),
}


def answer(text: str | None) -> str:
    """What came of an upload, in the language of the page; customs' own words stay as they are."""
    if text is None:
        return ""
    if text.startswith(LACKING):
        return gettext("lacking: %(names)s", names=text.removeprefix(LACKING))
    if text.startswith(NOT_REACHED):
        return gettext("not reached: %(why)s", why=text.removeprefix(NOT_REACHED))
    return str(_ANSWERS.get(text, text))
