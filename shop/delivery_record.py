"""Whether orders arrive in time, told to the ranking listing by listing: facts of the goods' orders, of no merchant.

An order is due so many days after the seller could act (after it was paid, or, where customs had to release it first,
after the release), or after the weeks of the accepted offer when they are more. It came in time when it was delivered
by then, by our own clock: what the merchant says of the hour changes nothing. Cancelled and rejected orders are
nobody's delay, and neither are goods that a recall kept back.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from catalog.ranking import DELIVERY_DAYS
from core import clock
from core.database import transaction
from core.jobs import task

# Days by supervision mode: from a warehouse in the country, from a bonded one, straight from abroad.
DUE_DAYS = {"0110": 5, "1210": 5, "9610": 7}

_TELL = text(
    """
    WITH promised AS (
        SELECT id, coalesce(released_at, paid_at) + greatest(
            make_interval(days => CASE mode WHEN '9610' THEN :direct ELSE :stocked END),
            (SELECT make_interval(weeks => offer.delivery_weeks) FROM rfq
             JOIN rfq_offer AS offer ON offer.rfq_id = rfq.id AND offer.status = 'accepted'
             WHERE rfq.purchase_id = sales_order.purchase_id)) AS due_at
        FROM sales_order
        WHERE route <> 'services'
          AND (paid_at > :since - interval '30 days' OR purchase_id IN (SELECT purchase_id FROM rfq))
          AND (route <> 'cross_border_retail' OR released_at IS NOT NULL)
          AND status IN ('paid', 'released', 'shipped', 'delivered', 'completed', 'returned')
          AND NOT EXISTS (SELECT FROM return_request WHERE order_id = sales_order.id AND unsent)
    ), judged AS (
        SELECT promised.id, coalesce(arrived.at <= promised.due_at, false) AS in_time
        FROM promised
        LEFT JOIN LATERAL (
            SELECT min(at) AS at FROM order_event WHERE order_id = promised.id AND event = 'delivered'
        ) AS arrived ON true
        WHERE promised.due_at > :since AND (promised.due_at <= :now OR arrived.at IS NOT NULL)
    ), told AS (
        SELECT line.listing_id, count(*) AS due, count(*) FILTER (WHERE in_time) AS in_time
        FROM judged JOIN (SELECT DISTINCT order_id, listing_id FROM order_line) AS line ON line.order_id = judged.id
        GROUP BY line.listing_id
    ), gone AS (
        DELETE FROM delivery_record AS old WHERE NOT EXISTS (SELECT FROM told WHERE told.listing_id = old.listing_id)
    )
    INSERT INTO delivery_record (listing_id, due, in_time) SELECT listing_id, due, in_time FROM told ORDER BY listing_id
    ON CONFLICT (listing_id) DO UPDATE SET due = excluded.due, in_time = excluded.in_time
    """
)


@task("shop.tell_deliveries", schedule="20 * * * *")
def tell_deliveries() -> None:
    """Bring the delivery record of every listing up to date; the ranking takes it in with its next reckoning."""
    values = {"now": clock.now(), "since": clock.now() - timedelta(days=DELIVERY_DAYS)}
    with transaction() as session:
        session.execute(_TELL, {**values, "direct": DUE_DAYS["9610"], "stocked": DUE_DAYS["1210"]})
