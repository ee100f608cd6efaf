"""What the desk sees of correcting a declaration: what waits, until when, what may be changed, what was done before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core import clock
from core.database import db
from customs.correcting.fields import correctable
from customs.correcting.refiling import FILED, is_open, refiling_for
from customs.correction_models import DeclarationCorrection, WindowDocumentVersion
from customs.models import Declaration, WindowDocument
from customs.window import statuses


def of(row: Declaration, documents: Sequence[WindowDocument]) -> dict[str, Any]:
    """`open` whether it can be filed again, `until` when it is given up, `documents` how each goes out, `history`."""
    sent_back = [each for each in documents if each.kind in FILED and each.status in ("rejected", "error")]
    return {
        "open": row.kind == "retail" and is_open(row),
        "until": clock.instant_text(row.mend_until),
        "documents": [
            {
                "kind": each.kind,
                "how": found.how,
                "why": found.why,
                "advice": statuses.both_of(each.kind, each.return_status or "100"),
            }
            for each in sent_back
            for found in (refiling_for(each),)
        ],
        "fields": [
            {"name": field.name, "of": field.of, "label": field.label, "form": field.form, "why_not": field.why}
            for field in correctable()
        ],
        "history": _history(row),
    }


def _history(row: Declaration) -> list[dict[str, Any]]:
    """Corrections, newest first, each with the documents as they stood before it."""
    query = select(DeclarationCorrection).where(DeclarationCorrection.declaration_id == row.id)
    found = list(db.session.scalars(query.order_by(DeclarationCorrection.id.desc())))
    version = WindowDocumentVersion
    rows = select(version, WindowDocument.kind).join(WindowDocument, WindowDocument.id == version.document_id)
    versions = db.session.execute(
        rows.where(version.correction_id.in_([each.id for each in found])).order_by(version.id)
    ).all()
    return [
        {
            "at": clock.instant_text(each.at),
            "actor": each.actor,
            "reason": each.reason,
            "filed": each.filed,
            "fields": each.fields,
            "documents": [_version(old, kind) for old, kind in versions if old.correction_id == each.id],
        }
        for each in found
    ]


def _version(row: WindowDocumentVersion, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "guid": row.guid,
        "status": row.status,
        "preNo": row.pre_no,
        "invtNo": row.invt_no,
        "returnStatus": row.return_status,
        "returnTime": row.return_time,
        "returnInfo": row.return_info,
        "sent_at": clock.instant_text(row.first_sent_at),
    }
