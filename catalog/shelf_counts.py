"""How many listings stand on the shelf, by category, origin, route, merchant and price band: counted without waiting.

A trigger appends each change of the shelf to `shelf_change` in the transaction that makes it, so a thousand merchants
publish at once and none waits for another's counter. What is told is counters plus changes, in one statement and so of
one moment: exact at any time. A job folds the changes into the counters every few seconds.
"""

# ruff: noqa: S608 - put together from constant texts; values travel as parameters

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import shelf
from core.database import transaction
from core.jobs import task

_PLACE = ("category", "department", "origin", "route", "merchant_id", "band")
_KEY = ", ".join(_PLACE)
# facet -> its value in a row of any of the tables
FACETS = {
    "department": "{}.department",
    "category": "{}.category",
    "origin": "{}.origin",
    "route": "{}.route",
    "merchant": "{}.merchant_id::text",
    "band": "{}.band::text",
}


def _values(alias: str, *, everything: bool = False) -> str:
    """The facets of a row as rows of (facet, value); with `everything` also ('', ''), which narrows nothing."""
    rows = [f"('{facet}', {value.format(alias)})" for facet, value in FACETS.items()]
    return ", ".join([*(["('', '')"] if everything else []), *rows])


def _totals_of(source: str) -> str:
    """The sums of counted places (`n` each) under every one filter."""
    narrowed = f"(VALUES {_values('one', everything=True)}) AS filter (narrowed, by)"
    facets = f"(VALUES {_values('one')}) AS told (facet, value)"
    grouped = "GROUP BY narrowed, by, facet, value"
    return (
        f"SELECT narrowed, by, facet, value, sum(n) AS n FROM {source} AS one"
        f" CROSS JOIN LATERAL {narrowed} CROSS JOIN LATERAL {facets} {grouped}"
    )


def by_facet(source: str) -> str:
    """SQL: how many of the rows of `source` (each of `n` listings) stand under each value of each facet."""
    places = "department, category, origin, route, merchant_id, band"
    # `grouping` has a bit for each place that is not counted by; each place itself is never null.
    names = " ".join(f"WHEN {63 - (32 >> at)} THEN '{facet}'" for at, facet in enumerate(FACETS))
    return (
        f"SELECT CASE grouping({places}) {names} END AS facet,"
        " coalesce(department, category, origin, route, merchant_id::text, band::text) AS value, sum(n)::bigint AS n"
        f" FROM {source} AS one GROUP BY GROUPING SETS ({places}) HAVING sum(n) > 0"
    )


# Under no filter or one. Of merchants, those that can be among the first: the first of the counters, as many more as
# changes wait for (each could push one out), and those the changes name.
_TOP = "SELECT facet, value, n FROM shelf_total WHERE narrowed = %(narrowed)s AND by = %(by)s AND facet = 'merchant'"
UNDER_ONE = f"""
    SELECT facet, value, sum(n)::bigint AS n FROM (
        SELECT facet, value, n FROM shelf_total WHERE narrowed = %(narrowed)s AND by = %(by)s AND facet <> 'merchant'
        UNION ALL (
            ({_TOP} ORDER BY n DESC LIMIT %(merchants)s + (SELECT count(DISTINCT merchant_id) FROM shelf_change))
            UNION ({_TOP} AND value IN (SELECT merchant_id::text FROM shelf_change))
        )
        UNION ALL
        SELECT facet, value, delta FROM (
            SELECT {_KEY}, sum(delta) AS delta FROM shelf_change GROUP BY {_KEY} HAVING sum(delta) <> 0
        ) AS one
        CROSS JOIN LATERAL (VALUES {_values("one", everything=True)}) AS filter (narrowed, by)
        CROSS JOIN LATERAL (VALUES {_values("one")}) AS told (facet, value)
        WHERE narrowed = %(narrowed)s AND by = %(by)s
    ) AS each GROUP BY facet, value HAVING sum(n) > 0
"""
# Under several filters: `{}` takes the conditions on a place.
UNDER_SEVERAL = by_facet(
    f"(SELECT {_KEY}, n FROM shelf_count WHERE {{0}} UNION ALL SELECT {_KEY}, delta FROM shelf_change WHERE {{0}})"
)

_FOLD = text(
    f"""
    WITH gone AS (DELETE FROM shelf_change RETURNING {_KEY}, delta),
    moved AS (SELECT {_KEY}, sum(delta) AS n FROM gone GROUP BY {_KEY} HAVING sum(delta) <> 0),
    counted AS (
        INSERT INTO shelf_count ({_KEY}, n) SELECT {_KEY}, n FROM moved ORDER BY {_KEY}
        ON CONFLICT ({_KEY}) DO UPDATE SET n = shelf_count.n + excluded.n
    )
    INSERT INTO shelf_total (narrowed, by, facet, value, n)
    SELECT * FROM ({_totals_of("moved")}) AS total WHERE n <> 0
    ON CONFLICT (narrowed, by, facet, value) DO UPDATE SET n = shelf_total.n + excluded.n
    """
)
_COUNTED = (
    f"SELECT {_KEY.replace('band', shelf.band_of() + ' AS band')}, count(*) AS n FROM listing"
    f" WHERE {shelf.ON_SALE} GROUP BY 1, 2, 3, 4, 5, 6"
)
_TOLD = (
    f"SELECT {_KEY}, sum(n) AS n FROM (SELECT {_KEY}, n FROM shelf_count"
    f" UNION ALL SELECT {_KEY}, delta FROM shelf_change) AS told GROUP BY {_KEY} HAVING sum(n) <> 0"
)


def _alone(session: Session) -> None:
    """One fold or recount at a time; whoever writes listings or reads the counters is not concerned.

    A lock of the table, as the only one that is taken before a transaction's snapshot.
    """
    session.execute(text("LOCK TABLE shelf_total IN SHARE ROW EXCLUSIVE MODE"))


@task("catalog.fold_shelf_changes", schedule="* * * * * */10")
def fold() -> None:
    """Add the changes since the last time to the counters."""
    with transaction() as session:
        if session.scalar(text("SELECT EXISTS (SELECT FROM shelf_change)")):
            _alone(session)
            session.execute(_FOLD)
            for table in ("shelf_count", "shelf_total"):
                session.execute(text(f"DELETE FROM {table} WHERE n = 0"))


def recount() -> int:
    """Count everything anew in one snapshot, while publishing goes on; how many places were wrong before."""
    with transaction() as session:
        _alone_in_snapshot(session)
        wrong = sum(1 for _ in _differences(session))
        session.execute(text("DELETE FROM shelf_change"))
        session.execute(text("DELETE FROM shelf_count"))
        session.execute(text("DELETE FROM shelf_total"))
        session.execute(text(f"INSERT INTO shelf_count ({_KEY}, n) {_COUNTED}"))
        session.execute(text(f"INSERT INTO shelf_total (narrowed, by, facet, value, n) {_totals_of('shelf_count')}"))
    return wrong


def check() -> Iterator[str]:
    """What the counters tell wrongly, each in a sentence; nothing when they equal the table of this moment."""
    with transaction() as session:
        _alone_in_snapshot(session)
        yield from [_said(row, "the table has {is_n}, the counters tell {told_n}") for row in _differences(session)]
        for row in session.execute(text(_WRONG_TOTALS)):
            total = f"{row.facet} {row.value} under {row.narrowed} {row.by}"
            yield f"{total}: the counters sum to {row.is_n}, kept is {row.told_n}"


def _alone_in_snapshot(session: Session) -> None:
    """Everything the caller reads from here on is of one moment."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    _alone(session)


def _differences(session: Session) -> Iterator[Any]:
    same = f"USING ({_KEY})"
    yield from session.execute(
        text(
            f"SELECT {_KEY}, coalesce(here.n, 0) AS is_n, coalesce(told.n, 0) AS told_n FROM ({_COUNTED}) AS here"
            f" FULL JOIN ({_TOLD}) AS told {same} WHERE here.n IS DISTINCT FROM told.n"
        )
    )


_WRONG_TOTALS = (
    "SELECT narrowed, by, facet, value, coalesce(here.n, 0) AS is_n, coalesce(told.n, 0) AS told_n"
    f" FROM ({_totals_of('shelf_count')}) AS here FULL JOIN (SELECT * FROM shelf_total WHERE n <> 0) AS told"
    " USING (narrowed, by, facet, value) WHERE here.n IS DISTINCT FROM told.n"
)


def _said(row: Any, what: str) -> str:
    place = ", ".join(f"{name} {getattr(row, name)}" for name in _PLACE)
    return f"{place}: {what.format(is_n=row.is_n, told_n=row.told_n)}"
