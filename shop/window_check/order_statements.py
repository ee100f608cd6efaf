"""Statements about the orders of a slice of purchases; each gives only what is wrong.

They hold at every moment: what one transaction changes together cannot be seen half done in a snapshot, and what
follows later as a job has a time until which it may be missing.
"""

from __future__ import annotations

_PARTS = {
    "slice": "o.purchase_id > :after AND o.purchase_id <= :last AND o.route = 'cross_border_retail'",
    "filed": "('declared', 'held', 'released', 'shipped', 'delivered', 'completed')",
    # One that customs sent back is corrected and filed again until `mend_until`.
    "over": "(d.status IN ('cancelled', 'rejected', 'returned_abroad') AND d.mend_until IS NULL)",
}


def _whole(statement: str) -> str:
    """The statement with the parts that several share."""
    return statement.format(**_PARTS)


# An order that is just paid waits for its filing job; one with goods of catch weight until it is weighed.
DECLARATION_MISSING = _whole("""
    SELECT o.number AS subject, o.status, d.status AS declaration
    FROM sales_order o LEFT JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail'
    WHERE {slice} AND coalesce({over}, true) AND (
        o.status IN {filed}
        OR o.status = 'paid' AND o.paid_at < :late AND NOT EXISTS (
            SELECT FROM order_line l
            WHERE l.order_id = o.id AND l.weighed_fen IS NULL AND l.facts ->> 'priced_by' = 'kg'))
    ORDER BY o.number
""")

# A rejected order whose declaration is not over waits for its correction.
DECLARATION_OF_UNPAID = _whole("""
    SELECT o.number AS subject, o.status, d.status AS declaration
    FROM sales_order o
    JOIN purchase u ON u.id = o.purchase_id
    JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail' AND NOT {over}
    WHERE {slice} AND NOT (o.status = 'rejected' AND d.status = 'rejected' AND u.status = 'paid')
      AND (o.status NOT IN {filed} AND o.status <> 'returned' OR u.status <> 'paid')
    ORDER BY o.number
""")

ALLOWANCE_STATE = _whole("""
    SELECT o.number AS subject, o.status, coalesce(h.state, 'none') AS allowance
    FROM sales_order o LEFT JOIN allowance_hold h ON h.order_number = o.number
    WHERE {slice} AND CASE
        WHEN o.status = 'awaiting_payment' THEN h.state IS DISTINCT FROM 'held'
        WHEN o.status IN ('paid', 'payment_review', 'declared', 'held', 'rejected') THEN h.state IS DISTINCT FROM 'used'
        WHEN o.status IN ('released', 'shipped', 'delivered', 'completed') THEN h.state IS DISTINCT FROM 'confirmed'
        WHEN o.status IN ('cancelled', 'refunding', 'refunded') THEN h.state IS DISTINCT FROM 'returned'
        ELSE false
    END
    ORDER BY o.number
""")

# What goes back is declared when customs grants it and given back when it has arrived: in between both are right.
ALLOWANCE_AMOUNT = _whole("""
    SELECT o.number AS subject, h.amount_fen - h.returned_fen AS kept, x.declared, x.left
    FROM sales_order o
    JOIN allowance_hold h ON h.order_number = o.number
    JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail' AND NOT {over}
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(l.dutiable_value_fen) FILTER (WHERE e.kind = 'retail'), 0)::bigint AS declared,
               coalesce(sum(l.dutiable_value_fen), 0)::bigint AS left
        FROM declaration e JOIN declaration_line l ON l.declaration_id = e.id
        WHERE e.order_number = o.number AND e.kind IN ('retail', 'retail_return')
    ) x
    WHERE {slice} AND o.status IN {filed} AND h.amount_fen - h.returned_fen NOT BETWEEN x.left AND x.declared
    ORDER BY o.number
""")

TAX_LINES = _whole("""
    WITH ours AS (
        SELECT o.number, row_number() OVER (PARTITION BY o.id ORDER BY l.position) AS line,
               l.tax_fen, l.goods_fen, l.freight_fen, l.insurance_fen, l.quantity, l.hs
        FROM sales_order o JOIN order_line l ON l.order_id = o.id
        JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail' AND NOT {over}
        WHERE {slice} AND o.status IN {filed}
    ), declared AS (
        SELECT o.number, l.position AS line, l.charged_tax_fen, l.value_fen, l.freight_fen, l.insurance_fen,
               l.quantity, l.hs
        FROM sales_order o
        JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail' AND NOT {over}
        JOIN declaration_line l ON l.declaration_id = d.id
        WHERE {slice} AND o.status IN {filed}
    )
    SELECT coalesce(a.number, b.number) AS subject, min(coalesce(a.line, b.line)) AS line,
           coalesce(sum(a.tax_fen), 0)::bigint AS charged, coalesce(sum(b.charged_tax_fen), 0)::bigint AS declared,
           coalesce(sum(a.goods_fen), 0)::bigint AS goods, coalesce(sum(b.value_fen), 0)::bigint AS declared_goods
    FROM ours a FULL JOIN declared b ON b.number = a.number AND b.line = a.line
    WHERE (a.tax_fen, a.goods_fen, a.freight_fen, a.insurance_fen, a.quantity, a.hs)
          IS DISTINCT FROM (b.charged_tax_fen, b.value_fen, b.freight_fen, b.insurance_fen, b.quantity, b.hs)
    GROUP BY 1 ORDER BY 1
""")

AMOUNT_PAID = _whole("""
    SELECT o.number AS subject, o.total_fen AS paid, (d.snapshot ->> 'paid_fen')::bigint AS declared,
           concat_ws(' ',
               CASE WHEN o.total_fen <> (d.snapshot ->> 'paid_fen')::bigint THEN 'amount' END,
               CASE WHEN o.discount_fen <> (d.snapshot ->> 'discount_fen')::bigint THEN 'discount' END,
               CASE WHEN o.tax_fen IS DISTINCT FROM d.charged_tax_fen THEN 'tax' END,
               CASE WHEN o.payment_no IS DISTINCT FROM d.snapshot ->> 'payment_no' THEN 'payment number' END,
               CASE WHEN o.waybill_no IS DISTINCT FROM d.snapshot ->> 'waybill_no' THEN 'waybill' END) AS differs
    FROM sales_order o
    JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail' AND NOT {over}
    WHERE {slice} AND o.status IN {filed}
      AND (o.total_fen, o.discount_fen, o.tax_fen, o.payment_no, o.waybill_no) IS DISTINCT FROM (
          (d.snapshot ->> 'paid_fen')::bigint, (d.snapshot ->> 'discount_fen')::bigint, d.charged_tax_fen,
          d.snapshot ->> 'payment_no', d.snapshot ->> 'waybill_no')
    ORDER BY o.number
""")
