"""The hash of JSON values, used for keys and for the checksums of records."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_hash(value: Any) -> str:
    """Return the SHA-256 of a value as canonical JSON: sorted keys, no spaces, ASCII only.

    Raises `ValueError` for NaN and infinities.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
