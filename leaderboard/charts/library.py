"""The chart library, one script for the whole site: Vega, Vega-Lite and Vega-Embed as vl-convert bundles them."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import vl_convert

from ...harness.errors import UserError
from ...harness.files import write_atomically
from .drawing import vega_lite_version


def chart_library() -> str:
    """Return the script; bundling takes seconds, so that it is kept in the user's cache folder."""
    name = f"vega-{vl_convert.get_vega_version()}-vl{vega_lite_version()}-embed{vl_convert.get_vega_embed_version()}.js"
    kept = Path(platformdirs.user_cache_dir("archarena")) / name
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=vega_lite_version())
    try:
        write_atomically(kept, script.encode())
    except UserError:
        return script  # a cache that cannot be written only costs the seconds again
    return script
