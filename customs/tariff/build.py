"""From rows to schedules: the stretches of each kind of rate, with standings, suspensions and start events applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from customs.tariff.rates import Rate, Staged
from customs.tariff.reading import FOREVER, Row
from customs.tariff.schedules import NONE, Entries, Entry, Stretch

ASSUMED = 2
SURCHARGE_DELAY = 2  # rule A7: the day a quota is used up is day 1, the surcharge starts on day 3


class Stretches:
    """The stretches of every schedule of one folder of files."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.tables = tables
        self.entries = Entries()
        self._plain: dict[tuple[Rate, str, int, str], int] = {}
        self.of: dict[str, list[Stretch]] = {}
        for name in ("mfn", "general", "provisional", "quota_rates"):
            rows = [row for row in tables[name] if not row.get("part")]
            self.of[name] = [stretch for row in rows for stretch in self._rated(row)]
        for row in tables["provisional"]:
            if row["part"]:
                self.of.setdefault(part_schedule(row["part_name"]), []).extend(self._rated(row))
        self.of["vat"] = list(self._vat())
        self.of["consumption_tax"] = [self._consumption(row) for row in tables["consumption_tax"]]
        self._agreements()
        self._measures()

    def boundaries(self) -> Iterator[int]:
        """Every day on which something begins, and every day after something ended."""
        for stretches in self.of.values():
            for stretch in stretches:
                yield stretch.first
                yield stretch.last + 1

    def _rated(self, row: Row, layer: int = 0) -> Iterator[Stretch]:
        """One row as stretches: a stretch per year when staged, and one more for the days after its last reading."""
        rate, first, last = row["rate"], row["first_day"], row["last_day"]
        if rate is None:
            yield Stretch(row["hs"], first, last, NONE, layer)
            return
        if isinstance(rate, Staged):
            yield from self._staged(row, rate, layer)
            return
        verified = row.get("verified_to", FOREVER)
        if first <= verified:
            yield self._stretch(row, rate, first, min(last, verified), row["standing"], layer)
        if last > verified:
            yield self._stretch(row, rate, max(first, verified + 1), last, ASSUMED, layer)

    def _staged(self, row: Row, staged: Staged, layer: int) -> Iterator[Stretch]:
        first, last = row["first_day"], row["last_day"]
        final = staged.first_year + staged.steps - 1
        for year in range(date.fromordinal(first).year, min(final, date.fromordinal(last).year) + 1):
            begin = max(first, date(year, 1, 1).toordinal())
            end = last if year == final else min(last, date(year, 12, 31).toordinal())
            yield self._stretch(row, staged.in_year(year), begin, end, row["standing"], layer)

    def _stretch(self, row: Row, rate: Rate, first: int, last: int, standing: int, layer: int) -> Stretch:
        measure = row.get("measure", "")
        known = (rate, row["source"], standing, measure)
        entry = self._plain.get(known)
        if entry is None:
            entry = self._plain[known] = self.entries.id(Entry(rate, row["source"], standing, measure=measure))
        return Stretch(row["hs"], first, last, entry, layer)

    def _vat(self) -> Iterator[Stretch]:
        """The class of a line and the rate of its class are separate facts (rule R); here they meet."""
        rates: dict[str, list[Row]] = defaultdict(list)
        for row in self.tables["vat_rates"]:
            rates[row["class"]].append(row)
        for member in self.tables["vat_classes"]:
            for rate in rates[member["class"]]:
                first = max(member["first_day"], rate["first_day"])
                last = min(member["last_day"], rate["last_day"])
                if first <= last:
                    standing = max(member["standing"], rate["standing"])
                    entry = Entry(rate["rate"], rate["source"], standing, note=member["class"])
                    yield Stretch(member["hs"], first, last, self.entries.id(entry))

    def _consumption(self, row: Row) -> Stretch:
        if row["rate"] is None:
            return Stretch(row["hs"], row["first_day"], row["last_day"], NONE)
        entry = Entry(row["rate"], row["source"], row["standing"], thresholds=row["threshold"], below=row["below"])
        return Stretch(row["hs"], row["first_day"], row["last_day"], self.entries.id(entry))

    def _agreements(self) -> None:
        for agreement in self.tables["agreements"]:
            self.of[f"agreement:{agreement['id']}"] = []
        for row in self.tables["agreement_rates"]:
            self.of[f"agreement:{row['agreement']}"].extend(self._rated(row))
        for row in self.tables["agreement_suspensions"]:
            stretch = Stretch(row["hs"], row["first_day"], row["last_day"], NONE, layer=1)
            self.of[f"agreement:{row['agreement']}"].append(stretch)

    def _measures(self) -> None:
        """One schedule per measure and exporter; per country too where a quota decides from when it is levied."""
        quotas: dict[str, list[Row]] = defaultdict(list)
        for row in self.tables["quotas"]:
            quotas[row["measure"]].append(row)
        self.started = {row["quota"]: row for row in self.tables["quota_events"] if row["event"] == "surcharge_starts"}
        self._ending: dict[tuple[str, str, str, int], int] = {}  # what ends within a day
        for row in sorted(self.tables["measure_rates"], key=lambda row: int(row["first_day"])):
            if quotas[row["measure"]]:
                self.of.setdefault(beyond_schedule(row["measure"]), []).extend(self._rated(row))
            for country, stretch in self._levied(row, quotas[row["measure"]]):
                name = measure_schedule(row["measure"], row["exporter"], country)
                self.of.setdefault(name, []).append(stretch)
        for row in self.tables["measure_suspensions"]:
            stretch = Stretch(row["hs"], row["first_day"], row["last_day"], NONE, layer=1)
            for name in [name for name in self.of if name.startswith(f"measure:{row['measure']}:")]:
                self.of[name].append(stretch)

    def _levied(self, row: Row, quotas: list[Row]) -> Iterator[tuple[str, Stretch]]:
        if not quotas:
            yield from (("", stretch) for stretch in self._timed(row))
            return
        for quota in quotas:
            event = self.started.get(quota["id"])
            first = max(row["first_day"], event["first_day"]) if event else FOREVER + 1
            last = min(row["last_day"], quota["last_day"])
            if event is None or first > last:
                continue
            if row["rate"] is None:
                yield quota["country"], Stretch(row["hs"], first, last, NONE)
                continue
            standing = max(row["standing"], event["standing"])
            entry = self.entries.id(
                Entry(row["rate"], event["source"], standing, note=quota["id"], measure=row["measure"])
            )
            yield quota["country"], Stretch(row["hs"], first, last, entry)

    def _timed(self, row: Row) -> Iterator[Stretch]:
        """A row that begins or ends within a day has that day as a stretch of its own (rule A19)."""
        since, until, first, last = row["first_time"], row["last_time"], row["first_day"], row["last_day"]
        if (since < 0 and until < 0) or row["rate"] is None:
            yield from self._rated(row)
            return
        plain = Entry(row["rate"], row["source"], row["standing"], measure=row["measure"])
        key = (row["measure"], row["exporter"], row["hs"])
        if until >= 0:
            self._ending[(*key, last)] = self.entries.id(plain)
        if since >= 0:
            before = self._ending.get((*key, first), NONE) if first < last or until < 0 else NONE
            late = plain._replace(since=since, before=before, until=until if first == last else -1)
            yield Stretch(row["hs"], first, first, self.entries.id(late))
            first += 1
        if first <= last - (until >= 0):
            yield Stretch(row["hs"], first, last - (until >= 0), self.entries.id(plain))
        if until >= 0 and first <= last:
            yield Stretch(row["hs"], last, last, self.entries.id(plain._replace(until=until)))


def part_schedule(name: str) -> str:
    """The name of the schedule of provisional rates for one part ("ex") of codes."""
    return f"part:{name}"


def beyond_schedule(measure: str) -> str:
    """The name of the schedule of what a safeguard adds beyond a quota, whether or not the quota is used up."""
    return f"beyond:{measure}"


def measure_schedule(measure: str, exporter: str, country: str) -> str:
    """The name of a measure's schedule; country is blank unless a quota per country decides."""
    return f"measure:{measure}:{exporter}:{country}"
