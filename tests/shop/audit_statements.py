"""The auditor's statements: each gives the rows that breach it."""

from __future__ import annotations

# Money that came in and was paid back, by the books.
MONEY = """
    SELECT u.id,
           coalesce(sum(e.amount_fen) FILTER (WHERE p.kind = 'capture'), 0)::bigint,
           coalesce(-sum(e.amount_fen) FILTER (WHERE p.kind <> 'capture' AND p.kind NOT LIKE 'dispute%'), 0)::bigint
    FROM purchase u
    LEFT JOIN ledger_posting p ON p.purchase_id = u.id
    LEFT JOIN ledger_entry e ON e.posting_id = p.id AND e.account = 'stripe_cash'
    GROUP BY u.id
"""

BEFORE_RELEASE = "('paid', 'payment_review', 'declared', 'held', 'rejected')"
AFTER_RELEASE = "('released', 'shipped', 'delivered', 'completed')"
FILED = "('declared', 'held', 'released', 'shipped', 'delivered', 'completed')"
UNSENT = "('awaiting_payment', 'payment_review', 'paid', 'declared', 'held', 'rejected', 'released')"
DEAD = "('cancelled', 'rejected', 'returned_abroad')"

ALWAYS = {
    "a posting does not sum to zero": """
        SELECT posting_id, currency, sum(amount_fen) FROM ledger_entry GROUP BY 1, 2 HAVING sum(amount_fen) <> 0
    """,
    "a purchase was captured twice": """
        SELECT purchase_id, count(*) FROM ledger_posting WHERE kind = 'capture' GROUP BY 1 HAVING count(*) > 1
    """,
    "a purchase does not say what the books say was captured": """
        SELECT u.id, u.captured_fen, coalesce(sum(e.amount_fen), 0)
        FROM purchase u
        LEFT JOIN ledger_posting p ON p.purchase_id = u.id AND p.kind = 'capture'
        LEFT JOIN ledger_entry e ON e.posting_id = p.id AND e.account = 'stripe_cash'
        GROUP BY u.id HAVING u.captured_fen <> coalesce(sum(e.amount_fen), 0)
    """,
    "more is promised back than was captured, or not what the refunds promise": """
        SELECT u.id, u.captured_fen, u.refunded_fen, u.disputed_fen, u.charged_back_fen, coalesce(r.fen, 0)
        FROM purchase u
        LEFT JOIN (SELECT purchase_id, sum(amount_fen) AS fen FROM refund WHERE status <> 'waiting'
                   GROUP BY 1) r ON r.purchase_id = u.id
        WHERE u.refunded_fen + u.disputed_fen + u.charged_back_fen > u.captured_fen
           OR u.charged_back_fen + u.elsewhere_fen = 0 AND u.refunded_fen <> coalesce(r.fen, 0)
    """,
    "what is owed in refunds is not what was promised and not paid": """
        SELECT u.id, coalesce(b.owed, 0), coalesce(r.fen, 0)
        FROM purchase u
        LEFT JOIN (SELECT p.purchase_id, -sum(e.amount_fen) AS owed FROM ledger_posting p
                   JOIN ledger_entry e ON e.posting_id = p.id AND e.account = 'refund_payable' GROUP BY 1) b
               ON b.purchase_id = u.id
        LEFT JOIN (SELECT purchase_id, sum(amount_fen) AS fen FROM refund WHERE status IN ('promised', 'failed')
                   GROUP BY 1) r ON r.purchase_id = u.id
        WHERE coalesce(b.owed, 0) <> coalesce(r.fen, 0)
    """,
    "the lines do not sum to their order": """
        SELECT o.number FROM sales_order o JOIN order_line l ON l.order_id = o.id GROUP BY o.id
        HAVING sum(l.goods_fen) <> o.goods_fen OR sum(l.freight_fen) <> o.freight_fen
            OR sum(l.insurance_fen) <> o.insurance_fen OR sum(l.discount_fen) <> o.discount_fen
            OR sum(l.tax_fen) <> o.tax_fen OR sum(l.vat_fen) <> o.vat_fen
            OR sum(l.dutiable_value_fen) <> o.dutiable_value_fen
    """,
    "the orders do not sum to their purchase": """
        SELECT u.id FROM purchase u LEFT JOIN sales_order o ON o.purchase_id = u.id
        GROUP BY u.id HAVING coalesce(sum(o.total_fen), 0) <> u.total_fen
    """,
    "on hand is not what moved": """
        SELECT l.id, l.on_hand, coalesce(sum(m.quantity), 0) FROM lot l
        LEFT JOIN stock_movement m ON m.lot_id = l.id GROUP BY l.id HAVING l.on_hand <> coalesce(sum(m.quantity), 0)
    """,
    "reserved is not what living orders hold": f"""
        SELECT l.id, l.reserved, l.on_hand, coalesce(sum(a.held), 0) FROM lot l
        LEFT JOIN (SELECT a.lot_id, a.quantity - a.sent AS held FROM order_allocation a
                   JOIN order_line n ON n.id = a.line_id JOIN sales_order o ON o.id = n.order_id
                   WHERE o.status IN {UNSENT}
                   UNION ALL SELECT lot_id, quantity FROM zone_exit WHERE status = 'approved' AND return_id IS NULL
                  ) a ON a.lot_id = l.id
        GROUP BY l.id HAVING l.reserved <> coalesce(sum(a.held), 0) OR l.reserved NOT BETWEEN 0 AND l.on_hand
    """,
    "an order holds more or less than its lines": f"""
        SELECT o.number, n.position, n.quantity, coalesce(sum(a.quantity), 0)
        FROM sales_order o JOIN purchase u ON u.id = o.purchase_id
        JOIN order_line n ON n.order_id = o.id LEFT JOIN order_allocation a ON a.line_id = n.id
        WHERE o.status IN {UNSENT} AND u.status IN ('awaiting_payment', 'paid')
        GROUP BY o.id, n.id HAVING n.quantity <> coalesce(sum(a.quantity), 0)
    """,
    "an allowance is not the sum of its holds, or above its limit": """
        SELECT y.person_id, y.year, y.reserved_fen, y.used_fen,
               coalesce(sum(h.amount_fen - h.returned_fen) FILTER (WHERE h.state = 'held'), 0),
               coalesce(sum(h.amount_fen - h.returned_fen) FILTER (WHERE h.state IN ('used', 'confirmed')), 0)
        FROM allowance_year y LEFT JOIN allowance_hold h ON h.person_id = y.person_id AND h.year = y.year
        GROUP BY y.person_id, y.year
        HAVING y.reserved_fen <> coalesce(sum(h.amount_fen - h.returned_fen) FILTER (WHERE h.state = 'held'), 0)
            OR y.used_fen <> coalesce(sum(h.amount_fen - h.returned_fen) FILTER (
                WHERE h.state IN ('used', 'confirmed')), 0)
            OR y.reserved_fen + y.used_fen > 2600000
    """,
    "an allowance is in another state than its order": f"""
        SELECT o.number, o.status, h.state FROM sales_order o
        LEFT JOIN allowance_hold h ON h.order_number = o.number
        WHERE o.route = 'cross_border_retail' AND CASE
            WHEN o.status = 'awaiting_payment' THEN h.state IS DISTINCT FROM 'held'
            WHEN o.status IN {BEFORE_RELEASE} THEN h.state IS DISTINCT FROM 'used'
            WHEN o.status IN {AFTER_RELEASE} THEN h.state IS DISTINCT FROM 'confirmed'
            WHEN o.status IN ('cancelled', 'refunding', 'refunded') THEN h.state IS DISTINCT FROM 'returned'
        END
    """,
    "an order has not the one live declaration it must have": f"""
        SELECT o.number, o.status, count(d.id) FILTER (WHERE d.status NOT IN {DEAD}) FROM sales_order o
        LEFT JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail'
        GROUP BY o.id
        HAVING count(d.id) FILTER (WHERE d.status NOT IN {DEAD})
            <> CASE WHEN o.route = 'cross_border_retail' AND o.status IN {FILED} THEN 1
                    WHEN o.status = 'returned' THEN count(d.id) FILTER (WHERE d.status NOT IN {DEAD}) ELSE 0 END
            OR count(d.id) > 1
    """,
    "the tax declared is not the tax charged": f"""
        SELECT o.number, o.tax_fen, sum(l.tax_fen) FROM sales_order o
        JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail' AND d.status NOT IN {DEAD}
        JOIN declaration_line l ON l.declaration_id = d.id GROUP BY o.id HAVING sum(l.tax_fen) <> o.tax_fen
    """,
    "a declaration has a paper twice": """
        SELECT declaration_id, kind, count(*) FROM window_document WHERE kind IN ('311', '411', '511', '621')
        GROUP BY 1, 2 HAVING count(*) > 1
    """,
}

# What must have come to its end when everybody had a minute.
AT_REST = {
    "a paid retail order is not filed": """
        SELECT number FROM sales_order o WHERE status = 'paid' AND route = 'cross_border_retail' AND NOT EXISTS (
            SELECT FROM order_line l WHERE l.order_id = o.id AND l.facts ->> 'priced_by' = 'kg' AND weighed_kg IS NULL)
    """,
    "an order is still being refunded": """
        SELECT o.number FROM sales_order o WHERE o.status = 'refunding' OR o.status = 'rejected' AND NOT EXISTS (
            SELECT FROM declaration d WHERE d.order_number = o.number AND d.mend_until IS NOT NULL)
    """,
    "a refund is promised and not paid": """
        SELECT id, purchase_id, stripe_id FROM refund WHERE status NOT IN ('paid', 'covered')
    """,
    "an order is in another state than its purchase": """
        SELECT o.number, o.status, u.status FROM sales_order o JOIN purchase u ON u.id = o.purchase_id
        WHERE u.status = 'awaiting_payment' AND o.status <> 'awaiting_payment'
           OR u.status = 'paid' AND o.status IN ('awaiting_payment', 'cancelled')
           OR u.status IN ('expired', 'cancelled') AND o.status <> 'cancelled'
    """,
    "a notice was not applied": """
        SELECT id, type FROM stripe_event WHERE applied_at IS NULL AND type ~ '^(payment_intent\\.succeeded|refund)'
    """,
    "a job is dead or in a dead hand": """
        SELECT id, task_name, args, status, attempts FROM procrastinate_jobs WHERE status IN ('doing', 'failed')
    """,
}
