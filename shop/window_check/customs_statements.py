"""Statements about the declarations of a slice, and a few about what belongs to none; each gives only what is wrong."""

from __future__ import annotations

_PARTS = {
    "slice": "d.id > :after AND d.id <= :last AND d.kind = 'retail'",
    # One that customs sent back is corrected and filed again until `mend_until`.
    "over": "(d.status IN ('cancelled', 'rejected', 'returned_abroad') AND d.mend_until IS NULL)",
    "corrected": "(SELECT max(c.at) FROM declaration_correction c WHERE c.declaration_id = d.id)",
    "live": "b.declaration_id = d.id AND b.status <> 'void'",
    "due": """
        SELECT coalesce(sum(r.tax_fen), 0)::bigint FROM declaration e JOIN declaration_line r ON r.declaration_id = e.id
        WHERE e.order_number = d.order_number AND e.kind IN ('retail', 'retail_return')
    """,
}


def _whole(statement: str) -> str:
    """The statement with the parts that several share."""
    return statement.format(**_PARTS)


NEXT_SLICE = """
    WITH slice AS (SELECT id FROM declaration WHERE id > :after ORDER BY id LIMIT :size)
    SELECT (SELECT id FROM slice ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM slice) AS declarations
"""

DECLARATION_OF_NOBODY = _whole("""
    SELECT d.number AS subject, d.status AS declaration FROM declaration d
    WHERE {slice} AND NOT {over}
      AND NOT EXISTS (SELECT FROM sales_order o WHERE o.number = d.order_number)
    ORDER BY d.number
""")

# One that waits for room in the guarantee has not failed yet: it goes on by itself.
FILING_STUCK = _whole("""
    SELECT d.number AS subject, d.status AS declaration, coalesce(d.status_info, '') AS reason FROM declaration d
    WHERE {slice} AND (d.status = 'pending' AND greatest(d.created_at, {corrected}) < :stuck OR d.status = 'failed'
        OR d.mend_until < :stuck)
      AND NOT EXISTS (SELECT FROM guarantee_wait g WHERE g.declaration_id = d.id AND g.since > :stuck)
    ORDER BY d.number
""")

DOCUMENT_UNANSWERED = _whole("""
    SELECT d.number || '/' || w.kind AS subject, w.status AS document, w.guid
    FROM declaration d JOIN window_document w ON w.declaration_id = d.id
    WHERE {slice} AND NOT {over} AND d.status NOT IN ('pending', 'failed', 'rejected')
      AND (w.status IN ('ready', 'filed', 'stored', 'declaring', 'sent', 'send_failed', 'pending')
           OR w.status = 'draft' AND w.kind IN ('513', '623', '625'))
      AND greatest(coalesce(w.first_sent_at, w.created_at), {corrected}) < :unanswered
    ORDER BY d.number, w.kind, w.guid
""")

BILL_MISSING = _whole("""
    SELECT d.number AS subject, d.released_on, ({due}) AS tax FROM declaration d
    WHERE {slice} AND d.status IN ('released', 'closed') AND d.released_on < :billed_by
      AND NOT EXISTS (SELECT FROM tax_bill b WHERE {live}) AND ({due}) > 0
    ORDER BY d.number
""")

BILL_TWICE = _whole("""
    SELECT d.number AS subject, count(*) AS bills, string_agg(b.tax_no, ' ' ORDER BY b.tax_no) AS numbers
    FROM declaration d JOIN tax_bill b ON {live}
    WHERE {slice} AND NOT {over} GROUP BY d.id HAVING count(*) > 1 ORDER BY d.number
""")

BILL_OVER = _whole("""
    SELECT d.number AS subject, d.status AS declaration, b.tax_no FROM declaration d JOIN tax_bill b ON {live}
    WHERE {slice} AND {over} ORDER BY d.number, b.tax_no
""")

# What is explained (freight, rounding) stands in the report of differences and is posted; the rest is told here.
BILL_DIFFERS = _whole("""
    SELECT d.number AS subject, b.tax_no, b.duty_fen + b.consumption_tax_fen + b.vat_fen AS billed, x.declared,
           coalesce(y.causes, 'no line tells why') AS causes
    FROM declaration d
    JOIN tax_bill b ON {live}
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(l.tax_fen), 0)::bigint AS declared, ({due}) AS left
        FROM declaration_line l WHERE l.declaration_id = d.id
    ) x
    CROSS JOIN LATERAL (
        SELECT string_agg(DISTINCT t.cause, ' ' ORDER BY t.cause) AS causes,
               bool_or(t.cause NOT IN ('freight_sharing', 'rounding_order')) AS odd
        FROM tax_difference t WHERE t.bill_id = b.id
    ) y
    WHERE {slice} AND NOT {over}
      AND (y.odd OR y.causes IS NULL AND b.duty_fen + b.consumption_tax_fen + b.vat_fen NOT IN (x.declared, x.left))
    ORDER BY d.number, b.tax_no
""")

BILL_OVERDUE = _whole("""
    SELECT d.number AS subject, b.tax_no, d.released_on, b.duty_fen + b.consumption_tax_fen + b.vat_fen AS due
    FROM declaration d JOIN tax_bill b ON b.declaration_id = d.id AND b.status IN ('generated', 'pending')
    WHERE {slice} AND NOT {over} AND d.released_on < :overdue ORDER BY d.number, b.tax_no
""")

GUARANTEE_KEPT = _whole("""
    SELECT d.number AS subject, d.status AS declaration, h.amount_fen AS kept
    FROM declaration d JOIN guarantee_hold h ON h.declaration_id = d.id AND h.state = 'reserved' AND h.amount_fen > 0
    WHERE {slice} AND ({over}
        OR EXISTS (SELECT FROM tax_bill b WHERE b.declaration_id = d.id AND b.status = 'consolidated'))
    ORDER BY d.number
""")

# Who guarantees a list is said as `customs.guarantee.reserve.guarantor_of` says it. One whose bill was consolidated
# once needs no room again, even if that bill is void since.
GUARANTEE_MISSING = _whole("""
    SELECT d.number AS subject, d.status AS declaration, g.office || '/' || g.code AS guarantee, ({due}) AS tax
    FROM declaration d
    JOIN warehouse w ON w.id = d.warehouse_id
    JOIN guarantee g ON g.office = d.office AND g.code = CASE coalesce(w.guarantor, :guarantor)
        WHEN 'merchant' THEN d.snapshot ->> 'merchant_code'
        WHEN 'platform' THEN :platform
        ELSE CASE WHEN w.logistics_code <> '' AND w.logistics_name <> '' THEN w.logistics_code ELSE :logistics END
    END
    WHERE {slice} AND d.status IN ('filed', 'declared', 'held', 'released', 'closed') AND ({due}) > 0
      AND NOT EXISTS (SELECT FROM guarantee_hold h WHERE h.declaration_id = d.id AND h.state = 'reserved')
      AND NOT EXISTS (SELECT FROM tax_bill b WHERE b.declaration_id = d.id AND b.status IN ('consolidated', 'void'))
    ORDER BY d.number
""")

CONSIGNMENT_OVERDUE = """
    SELECT d.number AS subject, d.status AS declaration, d.filed_on, x.due
    FROM declaration d
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(l.tax_fen), 0)::bigint AS due FROM declaration_line l WHERE l.declaration_id = d.id
    ) x
    WHERE d.id > :after AND d.id <= :last AND d.kind = 'general_trade' AND d.status IN ('declared', 'held')
      AND d.filed_on < :consignment_overdue AND x.due > 0
      AND NOT EXISTS (SELECT FROM tax_payment p WHERE p.declaration_id = d.id AND p.paid_on IS NOT NULL)
    ORDER BY d.number
"""

ALLOWANCE_SUM = """
    SELECT y.person_id || '/' || y.year AS subject, y.reserved_fen AS reserved, y.used_fen AS used,
           x.held AS reserved_by_orders, x.taken AS used_by_orders
    FROM allowance_year y
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(h.amount_fen - h.returned_fen) FILTER (WHERE h.state = 'held'), 0)::bigint AS held,
               coalesce(sum(h.amount_fen - h.returned_fen) FILTER (
                   WHERE h.state IN ('used', 'confirmed')), 0)::bigint AS taken
        FROM allowance_hold h WHERE h.person_id = y.person_id AND h.year = y.year
    ) x
    WHERE y.reserved_fen <> x.held OR y.used_fen <> x.taken ORDER BY y.person_id, y.year
"""

RECEIPT_WAITING = """
    SELECT r.id::text AS subject, r.kind AS receipt, r.status AS code FROM window_receipt r
    WHERE r.state = 'stored' AND r.received_at < :late ORDER BY r.id
"""

RECEIPT_QUARANTINED = """
    SELECT r.id::text AS subject, r.kind AS receipt, coalesce(r.reason, '') AS reason FROM window_receipt r
    WHERE r.state = 'quarantined' AND r.received_at < :stuck ORDER BY r.id
"""

GUARANTEE_SUM = """
    SELECT g.office || '/' || g.code AS subject, g.in_use_fen AS in_use, x.kept
    FROM guarantee g
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(h.amount_fen), 0)::bigint AS kept FROM guarantee_hold h
        WHERE h.guarantee_id = g.id AND h.state = 'reserved'
    ) x
    WHERE g.in_use_fen <> x.kept ORDER BY 1
"""

PAYMENT_OPEN = """
    SELECT p.number AS subject, p.created_at::date AS since, coalesce(p.paid_fen, 0) AS paid, x.due
    FROM tax_payment p
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(b.duty_fen + b.consumption_tax_fen + b.vat_fen), 0)::bigint AS due FROM tax_bill b
        WHERE b.ent_duty_no = p.number AND b.status = 'consolidated'
    ) x
    WHERE p.declaration_id IS NULL AND CASE
        WHEN p.paid_on IS NULL THEN p.created_at < :unpaid AND x.due > 0
        ELSE p.paid_fen <> x.due
    END
    ORDER BY p.number
"""
