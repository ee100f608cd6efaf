"""The statements of the check of the books; each gives only what is wrong, most for a slice of purchases by id."""

from __future__ import annotations

NEXT_SLICE = """
    WITH slice AS (SELECT id FROM purchase WHERE id > :after ORDER BY id LIMIT :size)
    SELECT (SELECT id FROM slice ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM slice) AS purchases
"""

_UNBALANCED = """
    SELECT p.id, p.kind, p.reference, e.currency, sum(e.amount_fen)::bigint AS net
    FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id
    WHERE {which}
    GROUP BY p.id, e.currency HAVING sum(e.amount_fen) <> 0 ORDER BY p.id
"""
UNBALANCED = _UNBALANCED.format(which="p.purchase_id > :after AND p.purchase_id <= :last")
UNBALANCED_ALONE = _UNBALANCED.format(which="p.purchase_id IS NULL")

# Money of a purchase is where its captures and refunds say, or in a bank's hands while it is disputed.
CASH = """
    SELECT u.id, u.captured_fen, u.refunded_fen + u.charged_back_fen AS gone, coalesce(b.net, 0) AS net
    FROM purchase u
    LEFT JOIN (
        SELECT p.purchase_id, sum(e.amount_fen)::bigint AS net
        FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id
        WHERE p.purchase_id > :after AND p.purchase_id <= :last
          AND e.account IN ('stripe_cash', 'refund_payable', 'dispute_clearing')
        GROUP BY p.purchase_id
    ) b ON b.purchase_id = u.id
    WHERE u.id > :after AND u.id <= :last
      AND coalesce(b.net, 0) <> u.captured_fen - u.refunded_fen - u.charged_back_fen
    ORDER BY u.id
"""

# What an order's accounts hold, without what payouts, tax bills and lost disputes did to them, beside what its amounts
# less its refunds make them. Where goods of catch weight were charged at their nominal weight and the order holds the
# real one, the amounts as quoted count.
ORDERS = """
    WITH books AS (
        SELECT e.order_id,
               sum(e.amount_fen) FILTER (WHERE e.account = 'merchant_payable' AND p.kind <> 'dispute_lost'
                   AND NOT (p.kind = 'refund_covered' AND e.amount_fen < 0)) AS merchant,
               sum(e.amount_fen) FILTER (WHERE e.account = 'logistics_payable') AS logistics,
               sum(e.amount_fen) FILTER (WHERE e.account = 'customs_tax_payable'
                   AND p.kind NOT IN ('tax_settled', 'tax_amended', 'tax_void', 'tax_difference')) AS tax,
               sum(e.amount_fen) FILTER (WHERE e.account = 'platform_promotion') AS promotion,
               sum(e.amount_fen) FILTER (WHERE e.account = 'rounding') AS rounding
        FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id
        WHERE p.purchase_id > :after AND p.purchase_id <= :last AND e.order_id IS NOT NULL
        GROUP BY e.order_id
    ), refunds AS (
        SELECT order_id, sum((parts ->> 'goods')::bigint) AS goods, sum((parts ->> 'freight')::bigint) AS freight,
               sum((parts ->> 'tax')::bigint) AS tax, sum(coalesce((parts ->> 'discount')::bigint, 0)) AS discount
        FROM refund
        WHERE purchase_id > :after AND purchase_id <= :last AND order_id IS NOT NULL AND status <> 'waiting'
        GROUP BY order_id
    ), told AS (
        SELECT o.number, o.purchase_id, o.quoted,
               coalesce(b.merchant, 0)::bigint AS merchant_payable,
               coalesce(b.logistics, 0)::bigint AS logistics_payable,
               coalesce(b.tax, 0)::bigint AS customs_tax_payable,
               coalesce(b.promotion, 0)::bigint AS platform_promotion,
               coalesce(b.rounding, 0)::bigint AS rounding,
               CASE WHEN u.status = 'paid' THEN 1 ELSE 0 END AS alive,
               o.goods_fen, o.freight_fen + o.insurance_fen AS freight_fen, o.tax_fen, o.discount_fen,
               coalesce(r.goods, 0) AS r_goods, coalesce(r.freight, 0) AS r_freight, coalesce(r.tax, 0) AS r_tax,
               coalesce(r.discount, 0) AS r_discount
        FROM sales_order o
        JOIN purchase u ON u.id = o.purchase_id
        LEFT JOIN books b ON b.order_id = o.id
        LEFT JOIN refunds r ON r.order_id = o.id
        WHERE o.purchase_id > :after AND o.purchase_id <= :last
    ), due AS (
        SELECT told.number, merchant_payable, logistics_payable, customs_tax_payable, platform_promotion, rounding,
               (alive * (r_goods - coalesce(charged.goods, goods_fen)))::bigint AS merchant_payable_due,
               (alive * (r_freight - freight_fen))::bigint AS logistics_payable_due,
               (alive * (r_tax - coalesce(charged.tax, tax_fen)))::bigint AS customs_tax_payable_due,
               (alive * (coalesce(charged.discount, discount_fen) - r_discount))::bigint AS platform_promotion_due,
               0::bigint AS rounding_due
        FROM told
        LEFT JOIN LATERAL (
            SELECT (told.quoted ->> 'goods_fen')::bigint AS goods, (told.quoted ->> 'tax_fen')::bigint AS tax,
                   (told.quoted ->> 'discount_fen')::bigint AS discount
            WHERE told.quoted IS NOT NULL AND told.merchant_payable <> told.alive * (told.r_goods - told.goods_fen)
        ) charged ON true
    )
    SELECT * FROM due
    WHERE merchant_payable <> merchant_payable_due OR logistics_payable <> logistics_payable_due
       OR customs_tax_payable <> customs_tax_payable_due OR platform_promotion <> platform_promotion_due
       OR rounding <> 0
    ORDER BY number
"""

# The tax an order was charged, with what the platform added for a later law, is the tax its declaration declares; of
# a declaration that came to nothing no tax is held.
DECLARED = """
    WITH added AS (
        SELECT e.order_id, -sum(e.amount_fen) AS fen
        FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id
        WHERE p.purchase_id > :after AND p.purchase_id <= :last
          AND p.kind = 'tax_difference' AND e.account = 'customs_tax_payable'
        GROUP BY e.order_id
    ), given_back AS (
        SELECT order_id, sum((parts ->> 'tax')::bigint) AS fen
        FROM refund
        WHERE purchase_id > :after AND purchase_id <= :last AND order_id IS NOT NULL
          AND reason NOT LIKE 'lighter than ordered:%'
        GROUP BY order_id
    ), told AS (
        SELECT o.number, o.status, d.status AS declaration,
               coalesce(d.status IN ('cancelled', 'rejected', 'returned_abroad') AND d.mend_until IS NULL,
                        false) AS over,
               (o.tax_fen + coalesce(a.fen, 0))::bigint AS held,
               (o.tax_fen + coalesce(a.fen, 0) - coalesce(g.fen, 0))::bigint AS left,
               (SELECT sum(l.tax_fen) FROM declaration_line l WHERE l.declaration_id = d.id)::bigint AS declared
        FROM sales_order o
        JOIN purchase u ON u.id = o.purchase_id AND u.status = 'paid'
        LEFT JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail'
        LEFT JOIN added a ON a.order_id = o.id
        LEFT JOIN given_back g ON g.order_id = o.id
        WHERE o.purchase_id > :after AND o.purchase_id <= :last AND o.route = 'cross_border_retail'
    )
    SELECT * FROM told
    WHERE CASE
        WHEN declaration IS NULL
            THEN status IN ('declared', 'held', 'released', 'shipped', 'delivered', 'completed', 'returned')
        WHEN over THEN "left" <> 0
        ELSE declared <> held
    END
    ORDER BY number
"""

BILLS = """
    WITH told AS (
        SELECT o.number, b.tax_no, b.status,
               CASE b.status WHEN 'consolidated' THEN b.duty_fen + b.consumption_tax_fen + b.vat_fen ELSE 0 END AS due,
               coalesce((SELECT -sum(e.amount_fen) FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id
                         WHERE p.purchase_id = o.purchase_id
                           AND p.kind IN ('tax_settled', 'tax_amended', 'tax_void')
                           AND split_part(p.reference, ':', 1) = b.id::text
                           AND e.account = 'customs_settlement'), 0)::bigint AS settled
        FROM sales_order o
        JOIN declaration d ON d.order_number = o.number AND d.kind = 'retail'
        JOIN tax_bill b ON b.declaration_id = d.id
        WHERE o.purchase_id > :after AND o.purchase_id <= :last
    )
    SELECT * FROM told WHERE due <> settled ORDER BY number, tax_no
"""

NOBODYS = """
    SELECT p.id, p.kind, p.reference FROM ledger_posting p
    WHERE p.purchase_id IS NULL
      AND NOT EXISTS (SELECT FROM payout o WHERE o.id::text = split_part(p.reference, ':', 1))
      AND NOT EXISTS (
          SELECT FROM tax_payment t WHERE p.kind = 'tax_paid' AND t.id::text = split_part(p.reference, ':', 1))
    ORDER BY p.id
"""

TAX_PAYMENTS = """
    WITH told AS (
        SELECT t.number, coalesce(t.paid_fen, 0) AS paid,
               coalesce((SELECT -sum(e.amount_fen) FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id
                         WHERE p.kind = 'tax_paid' AND split_part(p.reference, ':', 1) = t.id::text
                           AND e.account = 'platform_bank'), 0)::bigint AS booked
        FROM tax_payment t WHERE t.declaration_id IS NULL
    )
    SELECT * FROM told WHERE paid <> booked ORDER BY number
"""

PAYOUTS = """
    WITH books AS (
        SELECT split_part(p.reference, ':', 1) AS payout,
               sum(e.amount_fen) FILTER (WHERE e.account = 'payout_clearing') AS clearing,
               sum(e.amount_fen) FILTER (WHERE e.account = 'stripe_cash') AS cash,
               sum(e.amount_fen) FILTER (WHERE e.account = 'platform_fee') AS fee
        FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id
        WHERE p.purchase_id IS NULL
        GROUP BY 1
    ), lines AS (
        SELECT payout_id, sum(balance_fen - taken_fen) AS brought, sum(taken_fen) AS taken
        FROM payout_line GROUP BY payout_id
    ), told AS (
        SELECT o.id, o.status, o.amount_fen, coalesce(l.brought, 0)::bigint AS lines,
               coalesce(b.clearing, 0)::bigint AS clearing, coalesce(b.cash, 0)::bigint AS cash,
               coalesce(b.fee, 0)::bigint AS fee,
               CASE o.status WHEN 'promised' THEN -o.amount_fen ELSE 0 END AS clearing_due,
               CASE WHEN o.transfer_id IS NULL THEN 0 ELSE o.reversed_fen - o.amount_fen END AS cash_due,
               CASE WHEN o.undone THEN 0 ELSE -coalesce(l.taken, 0) END::bigint AS fee_due
        FROM payout o
        LEFT JOIN books b ON b.payout = o.id::text
        LEFT JOIN lines l ON l.payout_id = o.id
    )
    SELECT * FROM told
    WHERE lines <> amount_fen OR clearing <> clearing_due OR cash <> cash_due OR fee <> fee_due
    ORDER BY id
"""
