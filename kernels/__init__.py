"""Operations that plain torch does slowly: one folder each, with a reference, fast paths and a cost."""

from .paths import paths_taken

__all__ = ["paths_taken"]
