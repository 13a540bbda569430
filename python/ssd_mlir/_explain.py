# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`explain`: what was chosen for each mixer, why, and what it costs."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional

_DECIMAL = ("", " k", " M", " G", " T", " P")
_BINARY = (" B", " KiB", " MiB", " GiB", " TiB", " PiB")


def _scaled(value: float, step: float, units: Iterable[str]) -> str:
    units = list(units)
    index = 0
    while abs(value) >= step and index + 1 < len(units):
        value /= step
        index += 1
    digits = 0 if value == int(value) and value < 10000 else 3 - len(
        str(int(abs(value))))
    return f"{value:.{max(digits, 0)}f}{units[index]}"


def count(value: Any) -> str:
    """1234567 as "1.23 M"."""
    return _scaled(value, 1000, _DECIMAL) if _is_number(value) else "-"


def size(value: Any) -> str:
    """A number of bytes."""
    return _scaled(value, 1024, _BINARY) if _is_number(value) else "-"


def time(value: Any) -> str:
    """A number of microseconds."""
    if not _is_number(value):
        return "-"
    return f"{value / 1000:.3g} ms" if value >= 1000 else f"{value:.3g} µs"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shape(shape: Any) -> str:
    if isinstance(shape, Mapping):
        return ", ".join(f"{k}={'?' if v is None or v == -1 else v}"
                         for k, v in shape.items())
    return str(shape) if shape else "-"


def _candidate(mixer: Mapping[str, Any], form: str) -> Mapping[str, Any]:
    for candidate in mixer.get("candidates") or ():
        if isinstance(candidate, Mapping) and candidate.get("form") == form:
            return candidate
    return {}


def _group(mixers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mixers that differ in nothing but their location, together."""
    groups: dict[str, dict[str, Any]] = {}
    for mixer in mixers:
        same = {k: v for k, v in mixer.items() if k != "location"}
        group = groups.setdefault(repr(same), {"mixer": mixer, "locations": []})
        group["locations"].append(str(mixer.get("location") or "-"))
    return list(groups.values())


def _where(entry: str, locations: list[str]) -> str:
    if len(locations) == 1:
        return f"{entry}\n{locations[0]}"
    return f"{entry}\n{locations[0]}\n… {len(locations)} alike"


def render(mixers: Iterable[Mapping[str, Any]], title: str) -> Any:
    """A rich table: a row for each mixer's choice, with its candidates below."""
    from rich.table import Table

    table = Table(title=title, show_lines=True)
    for heading in ("mixer", "shape", "form"):
        table.add_column(heading, overflow="fold")
    for heading in ("time", "flops", "bytes", "memory"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("why", overflow="fold")
    for group in _group(mixers):
        mixer = group["mixer"]
        chosen = str(mixer.get("form") or "?")
        rows = [f"> {chosen}"]
        costs = [_candidate(mixer, chosen)]
        for candidate in mixer.get("candidates") or ():
            if isinstance(candidate, Mapping) and candidate.get("form") != chosen:
                rows.append(f"  {candidate.get('form', '?')}")
                costs.append(candidate)
        table.add_row(
            _where(str(mixer.get("entry") or "?"), group["locations"]),
            _shape(mixer.get("shape")), "\n".join(rows),
            _column(costs, "time_us", time), _column(costs, "flops", count),
            _column(costs, "bytes", size), _column(costs, "memory", size),
            str(mixer.get("why") or "-"))
    return table


def _column(costs: list[Mapping[str, Any]], key: str, show: Any) -> str:
    return "\n".join(show(cost.get(key)) for cost in costs)


def explain(mixers: Iterable[Mapping[str, Any]], title: str,
            width: Optional[int] = None) -> None:
    """Prints the table."""
    from rich.console import Console

    mixers = list(mixers)
    console = Console(width=width, markup=False, highlight=False)
    if not mixers:
        console.print(f"{title} has no mixers")
        return
    console.print(render(mixers, title))
