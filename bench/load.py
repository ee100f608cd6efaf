"""A small closed-loop load: some connections, each asking again as soon as it has its answer."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CONNECTIONS = 8

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; `body` and `headers` may differ from call to call."""

    path: str
    method: str = "GET"
    make: Callable[[int], tuple[bytes | None, Headers]] = field(default=lambda _n: (None, {}))
    expect: tuple[int, ...] = (200,)


class Door:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def ask(self, asked: Ask, number: int) -> bytes:
        """The body of the answer. Raises AssertionError when its status is not the expected one."""
        body, headers = asked.make(number)
        self._connection.request(asked.method, asked.path, body=body, headers=headers)
        answer = self._connection.getresponse()
        data = answer.read()
        assert answer.status in asked.expect, f"{asked.method} {asked.path}: {answer.status} {data[:300]!r}"
        return data

    def close(self) -> None:
        self._connection.close()


def together(count: int, work: Callable[[int], None]) -> float:
    """Run `work(slot)` in so many threads at once; returns the seconds it took. Raises the first fault of any."""
    faults: list[BaseException] = []

    def guarded(slot: int) -> None:
        try:
            work(slot)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(slot,)) for slot in range(count)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return time.perf_counter() - started


def rate(port: int, asked: Ask, seconds: float, connections: int = CONNECTIONS) -> float:
    """Answers per second over `seconds`. Raises AssertionError when an answer is not the expected one."""
    counts = [0] * connections
    numbers: Iterator[int] = itertools.count()
    until = time.perf_counter() + seconds

    def work(slot: int) -> None:
        door = Door(port)
        while time.perf_counter() < until:
            door.ask(asked, next(numbers))
            counts[slot] += 1
        door.close()

    took = together(connections, work)
    return sum(counts) / took
