"""A small closed-loop load: some connections, each asking again as soon as it has its answer."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; `body` and `headers` may differ from call to call."""

    path: str
    method: str = "GET"
    make: Callable[[int], tuple[bytes | None, dict[str, str]]] = field(default=lambda _n: (None, {}))
    expect: tuple[int, ...] = (200,)


def rate(port: int, ask: Ask, seconds: float) -> float:
    """Answers per second over `seconds`. Raises AssertionError when an answer is not the expected one."""
    counts = [0] * CONNECTIONS
    faults: list[str] = []
    numbers: Iterator[int] = itertools.count()
    until = time.perf_counter() + seconds

    def work(slot: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        while time.perf_counter() < until and not faults:
            body, headers = ask.make(next(numbers))
            connection.request(ask.method, ask.path, body=body, headers=headers)
            answer = connection.getresponse()
            data = answer.read()
            if answer.status not in ask.expect:
                faults.append(f"{ask.method} {ask.path}: {answer.status} {data[:300]!r}")
            counts[slot] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(CONNECTIONS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults[0]
    return sum(counts) / (time.perf_counter() - started)
