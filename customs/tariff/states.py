"""What the law treats alike: lines with the same rates on a day are in one state, and so are origins with the same
class, agreements and measures. A tariff of twelve thousand lines has some thousand states over all its days.

A state is found by the sum of its entries times fixed odd multipliers: 64 bits tell some ten thousand states apart (the
chance that two meet is below one in a hundred thousand million).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from customs.tariff.tariff import Tariff

CLOSED = 0  # the state of a line that is not in force, and of an unknown code


class States:
    """`profile` per line (and, last, for an unknown code); `of_line` and `of_origin`: state by profile or country and
    slot; `plain` per line state: nothing in it depends on price, quantity or the hour."""

    def __init__(self, tariff: Tariff) -> None:
        slots, lines = len(tariff.slots), len(tariff.keys)
        classes = tariff.schedules.classes.reshape(-1, lines)
        series = tariff.schedules.series.reshape(-1, slots)
        wanted = [
            number for name, number in tariff.schedules.names.items() if not name.startswith(("part:", "beyond:"))
        ]
        odd = _odd_numbers(len(wanted) + 2)
        self._open = odd[-1]  # an open line without any rate is not a closed one
        life = (tariff.line_first, tariff.line_last)
        told = sum((_times(classes[k], odd[i]) for i, k in enumerate(wanted)),
                   start=_times(life[0], odd[-2]) + _times(life[1], odd[-1]))  # fmt: skip
        _, example, profile = np.unique(told, return_index=True, return_inverse=True)
        self.profile: NDArray[np.int64] = np.append(profile, len(example)).astype(np.int64)
        self._line_states(tariff, example, classes, series, [(k, odd[i]) for i, k in enumerate(wanted)])
        self._origin_states(tariff)

    def _line_states(self, tariff: Tariff, example: Any, classes: Any, series: Any, wanted: Any) -> None:
        first_days = np.array(tariff.slots.first_days)
        told = np.zeros((len(example) + 1, len(first_days)), np.uint64)
        plain = np.ones(told.shape, bool)
        for k, multiplier in wanted:
            entries = series[classes[k, example]]
            told[:-1] += _times(entries + 1, multiplier)
            plain[:-1] &= tariff.columns.plain[entries]
        closed = (first_days < tariff.line_first[example][:, None]) | (first_days > tariff.line_last[example][:, None])
        told[:-1] += self._open
        told[:-1][closed] = 0
        _, at, state = np.unique(np.append(0, told.ravel()).astype(np.uint64), return_index=True, return_inverse=True)
        self.of_line: NDArray[np.int64] = state[1:].astype(np.int64)
        self.plain: NDArray[np.bool_] = np.append(True, plain.ravel())[at]
        self.lines = len(at)

    def _origin_states(self, tariff: Tariff) -> None:
        origins = tariff.origins
        odd = iter(_odd_numbers(1 + len(origins.preference) + 3 * len(origins.addition)))
        told = _times(origins.rate_class, next(odd))
        for schedule, member in zip(origins.preference, origins.member, strict=True):
            told += _times((schedule + 1)[:, None] * member, next(odd))
        for schedule, exporter, left_out in zip(
            origins.addition, origins.addition_exporter, origins.left_out, strict=True
        ):
            told += _times(left_out, next(odd))
            told += _times(schedule + 1, next(odd))[:, None] + _times(exporter, next(odd))[:, None]
        found, state = np.unique(told.ravel(), return_inverse=True)
        self.of_origin: NDArray[np.int64] = state.astype(np.int64)
        self.origins = len(found)


def _times(numbers: Any, multiplier: np.uint64) -> Any:
    return numbers.astype(np.uint64) * multiplier


def _odd_numbers(count: int) -> NDArray[np.uint64]:
    """The same for every run."""
    return np.random.default_rng(20241201).integers(2**62, 2**64, count, np.uint64, endpoint=False) | np.uint64(1)
