"""What may enter by retail, or at all: the list, its modes, bans, the limits of an order."""

from __future__ import annotations

from tests.customs.duty.slow.rows import Law, in_force

MODES = ("1210", "9610", "1239")


def banned(law: Law, hs: str, origin: str | None, day: str) -> bool:
    rows = law.of_code("bans", hs)
    return any(row["origin"] == origin and row["kind"] == "ban" and in_force(row, day) for row in rows)


def retail_obstacles(
    law: Law, hs: str, origin: str | None, day: str, mode: str, value: int, single_item: bool
) -> set[str]:
    """All codes of refusal of an order of one line; `value` in fen, nothing used of the year."""
    limits = [row for row in law.table("retail_limits") if in_force(row, day)]
    if not limits:
        return {"retail_not_in_force"}
    found = set()
    entry = law.one("positive_list", hs[:8], day)
    if entry is None:
        found.add("not_on_positive_list")
    elif mode not in (entry["modes"].split(";") if entry["modes"] else MODES):
        found.add("mode_not_allowed")
    if banned(law, hs, origin, day):
        found.add("origin_banned")
    if value > int(limits[0]["single_limit"]) * 100 and not single_item:
        found.add("single_limit")
    if value > int(limits[0]["annual_limit"]) * 100:
        found.add("annual_limit")
    return found


def above_single_limit(law: Law, day: str, value: int) -> bool:
    return any(value > int(row["single_limit"]) * 100 for row in law.table("retail_limits") if in_force(row, day))
