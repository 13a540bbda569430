# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`explain`: what was chosen for each mixer, why, and what it costs."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, Mapping, NamedTuple, Optional

Mixer = Mapping[str, Any]

_DECIMAL = ("", " k", " M", " G", " T", " P")
_BINARY = (" B", " KiB", " MiB", " GiB", " TiB", " PiB")

#===----------------------------------------------------------------------===#
# Numbers
#===----------------------------------------------------------------------===#


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _scaled(value: float, step: float, units: tuple[str, ...]) -> str:
    index = 0
    while abs(value) >= step and index + 1 < len(units):
        value /= step
        index += 1
    digits = 0 if value == int(value) else 3 - len(str(int(abs(value))))
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


#===----------------------------------------------------------------------===#
# Forms and shapes
#===----------------------------------------------------------------------===#


def plain_form(form: Any) -> str:
    """A form without punctuation: "chunked 128" for #ssd.chunked<chunk = 128>,
    a line for each range of lengths of a dispatch."""
    text = re.sub(r"#ssd\.|chunk = ", "", str(form or "?"))
    dispatch = re.fullmatch(r"dispatch<\[(.*)\], (.*)>", text)
    if dispatch is None:
        return re.sub(r"<(\d+)>", r" \1", text)
    cases = re.findall(r"(\d+) : ([^,]+)", dispatch[1])
    lines = [f"L ≤ {bound}: {plain_form(case)}" for bound, case in cases]
    return "\n".join([*lines, f"else: {plain_form(dispatch[2])}"])


_LETTERS = {"batch": "B", "length": "L", "heads": "H", "groups": "G",
            "head_dim": "P", "state_dim": "N"}


def _shape(shape: Any) -> str:
    if not isinstance(shape, Mapping):
        return str(shape) if shape else "-"
    parts = []
    for key, value in shape.items():
        if key.endswith("_is_dynamic"):
            continue
        text = "?" if value is None or value == -1 else value
        # Candidates of a dynamic size are quoted for an example of one.
        example = shape.get(f"{key}_is_dynamic")
        parts.append(f"{_LETTERS.get(key, key)}={text}"
                     f"{' (say)' if example else ''}")
    return " ".join(parts)


#===----------------------------------------------------------------------===#
# The table
#===----------------------------------------------------------------------===#


class _Column(NamedTuple):
    """What is recorded about candidates; those of GPUs have other things than
    those of CPUs."""

    heading: str
    key: str
    show: Callable[[Any], str]


_COLUMNS = (_Column("time", "time_us", time), _Column("flops", "flops", count),
            _Column("bytes", "bytes", size), _Column("memory", "memory", size),
            _Column("why not", "why_not", lambda text: text or ""))


class _Group(NamedTuple):
    """Mixers that differ in nothing but their location."""

    mixer: Mixer
    locations: list[str]

    @property
    def number(self) -> int:
        each = self.mixer.get("count")
        return len(self.locations) * (each if isinstance(each, int) else 1)

    def where(self) -> str:
        times = f" × {self.number}" if self.number > 1 else ""
        device = self.mixer.get("device")
        where = f" on {device}" if device else ""
        return (f"{self.mixer.get('entry') or '?'}{where}, "
                f"{self.locations[0]}{times}")


def _group(mixers: Iterable[Mixer]) -> list[_Group]:
    groups: dict[str, _Group] = {}
    for mixer in mixers:
        same = repr({k: v for k, v in mixer.items() if k != "location"})
        group = groups.setdefault(same, _Group(mixer, []))
        group.locations.append(str(mixer.get("location") or "-"))
    return list(groups.values())


def _candidates(mixer: Mixer) -> list[tuple[str, Mixer]]:
    """(mark and form, costs) of each candidate; the chosen ones are marked, and
    are there even where nothing was recorded about them."""
    chosen = plain_form(mixer.get("form"))
    forms = {line.rpartition(": ")[2] for line in chosen.split("\n")}
    rows = []
    for candidate in mixer.get("candidates") or ():
        if isinstance(candidate, Mapping):
            form = plain_form(candidate.get("form"))
            rows.append((f"{'>' if form in forms else ' '} {form}", candidate))
            forms.discard(form)
    return [*((f"> {form}", {}) for form in sorted(forms)), *rows]


def render(mixers: Iterable[Mixer], title: str) -> Any:
    """For each mixer a line that says which, one that says what was chosen and
    why, and a rich table of the candidates' costs."""
    from rich.console import Group
    from rich.table import Table

    parts: list[Any] = [title]
    for group in _group(mixers):
        mixer = group.mixer
        table = Table(box=None, padding=(0, 2))
        table.add_column("candidate", no_wrap=True)
        candidates = _candidates(mixer)
        shown = [column for column in _COLUMNS
                 if any(column.key in costs for _, costs in candidates)]
        for column in shown:
            number = column.key != "why_not"
            table.add_column(column.heading, no_wrap=number,
                             justify="right" if number else "left")
        for form, costs in candidates:
            table.add_row(form, *(column.show(costs.get(column.key))
                                  for column in shown))
        form = plain_form(mixer.get("form")).replace("\n", ", ")
        parts += ["", f"{group.where()}: {_shape(mixer.get('shape'))}",
                  f"  {form} ({mixer.get('why') or 'no reason recorded'})",
                  table]
    return Group(*parts)


def explain(mixers: Iterable[Mixer], title: str,
            width: Optional[int] = None) -> None:
    """Prints it."""
    from rich.console import Console

    mixers = list(mixers)
    console = Console(width=width, markup=False, highlight=False)
    if not mixers:
        console.print(f"{title} has no mixers")
        return
    console.print(render(mixers, title))
