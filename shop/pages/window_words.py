"""Words of sending to the single window."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _

from customs.window.dxp.tables import codes
from shop.pages import language

DEAD_REASONS = {
    "unreachable": _("The window could not be reached"),
    "silent": _("Customs does not answer"),
    "refused": _("The window refused it"),
}
DEAD_TONES = {"refused": "badge-bad", "silent": "badge-warn", "unreachable": "badge-warn"}
WHAT_TO_DO = {
    "unreachable": _("See whether the window is up and the address of the settings is right, then send it again."),
    "silent": _(
        "Ask the port what became of it, naming the guid, then send it again; customs takes the same guid once."
    ),
    "refused": _(
        "Read what the window said. Where the settings or the certificate were at fault, send it again;"
        " where the document was, mend it and file the declaration again."
    ),
}
ATTEMPT_OUTCOMES = {
    "started": _("Broken off: the process ended"),
    "sent": _("Taken by the window"),
    "unreached": _("Nobody was there"),
    "unavailable": _("No clear answer"),
    "refused": _("Refused by the window"),
    "answered": _("Word of the exchange"),
}
TRANSPORT_NAMES = {"http": _("HTTP"), "file": _("Transfer client")}
_SAID = (
    (r"the window answered (?P<status>\d{3})(?:: (?P<words>.*))?", _("The window answered %(status)s. %(words)s")),
    (r"the answer is too long", _("The answer is longer than any of the window.")),
    (r"the answer came too slowly|ReadTimeout", _("No answer in time.")),
    (r"ConnectTimeout|ConnectionError", _("No connection, or it was cut off.")),
    (r"the folder of the transfer client: (?P<words>.*)", _("The folder of the transfer client: %(words)s")),
    (r"(?P<number>\d+) files wait in the outbox.*", _("%(number)s files wait: is the transfer client running?")),
    (r"no envelope for it: (?P<words>.*)", _("It fits no envelope: %(words)s")),
)


def sending_error(text: str | None) -> str:
    """What is kept of a failed sending, in the language of the page; a code of the exchange with what to do."""
    if not text:
        return ""
    known = codes().get(text[:4])
    if known is not None and text[4:5] in ("", " "):
        chinese = language.word() == "zh"
        said = text[4:].replace(known.meaning, "", 1).strip()
        means, advice = (known.zh, known.advice_zh) if chinese else (known.meaning, known.advice)
        return " · ".join(filter(None, (f"{known.code} {means}", advice, said)))
    for form, words in _SAID:
        match = re.fullmatch(form, text)
        if match is not None:
            return str(words % {name: value or "" for name, value in match.groupdict().items()}).strip()
    return text
