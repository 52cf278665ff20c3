"""Text formats of the pages: scores, times, sizes, and safe text. Numbers always use a decimal point."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ..harness import text

NONE = "–"
_DECIMALS = {"auc": 4, "log_loss": 4, "scaled_log_loss": 4, "rmse": 5}


@dataclass(frozen=True)
class ScoreFormat:
    """Formats the scores of one metric."""

    metric: str
    unit: str

    @property
    def label(self) -> str:
        """Return the metric and its unit, for a column header."""
        name = "AUC" if self.metric == "auc" else self.metric.replace("_", " ")
        return f"{name}, %" if self.unit == "fraction" else name

    @property
    def scale(self) -> int:
        """Return the factor between a score and its displayed value."""
        return 100 if self.unit == "fraction" else 1

    @property
    def decimals(self) -> int:
        return 1 if self.unit == "fraction" else _DECIMALS.get(self.metric, 3)

    def __call__(self, value: float | None) -> str:
        """Return a score without its unit."""
        if value is None or not math.isfinite(value):
            return NONE
        return f"{self.scale * value:.{self.decimals}f}"

    def signed(self, value: float) -> str:
        """Return a difference of two scores with its sign."""
        return f"{self.scale * value:+.{self.decimals}f}".replace("-", "\u2212")


def duration(seconds: float | None) -> str:
    """Return a time in ms, s, min or h."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    if 0 < seconds < 0.1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def quantity(value: float | None) -> str:
    """Return a count or rate with three digits and a unit prefix, such as 64.1 k or 2.53 M."""
    return _scaled(value, 1000, ("", "k", "M", "G", "T", "P"))


def energy(joules: float | None) -> str:
    """Return an energy with three digits, such as 1.25 kJ."""
    return NONE if joules is None else f"{quantity(joules)}J" if joules >= 1000 else f"{joules:.3g} J"


def memory(value: float | None) -> str:
    """Return bytes with three digits, such as 410 MiB."""
    return _scaled(value, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def _scaled(value: float | None, base: int, prefixes: tuple[str, ...]) -> str:
    if value is None or not math.isfinite(value):
        return NONE
    step = 0
    while abs(value) >= base * 0.9995 and step < len(prefixes) - 1:
        value, step = value / base, step + 1
    digits = f"{value:.0f}" if abs(value) >= 100 or (float(value).is_integer() and not step) else f"{value:.3g}"
    return f"{digits} {prefixes[step]}".rstrip()


def plain(value: Any) -> str:
    """Return any value of a record as one line of text."""
    if value is None or value == "" or value == {}:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return str(value)


def paper_address(paper: str) -> str:
    """Return the URL of a paper named ``arXiv:2312.00752`` or ``doi:10.1145/...``, otherwise an empty string."""
    match = re.fullmatch(r"(arXiv):(\d{4}\.\d{4,5})|(doi):(10\.[\w./()-]+)", paper, re.ASCII)
    if not match:
        return ""
    return f"https://arxiv.org/abs/{match[2]}" if match[1] else f"https://doi.org/{match[4]}"


def visible(value: Any) -> Any:
    """Return text with invisible characters escaped (see `archarena.harness.text.visible`), and other values as is."""
    return text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
