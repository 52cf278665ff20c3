"""Templates to text. Everything that is put into one is escaped, and its invisible characters are spelled out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from .formats import paper_address, plain, visible

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "paper_address": paper_address}
    return environment


def render(template: str, page: str, **values: object) -> str:
    """Return a page of the site.

    Parameters
    ----------
    page
        Where it lies, from the site's root; its links start from there.
    """
    return _environment().get_template(template).render(root="../" * page.count("/"), **values)
