"""Operations that plain torch runs slowly: one folder per operation, with a reference, fast paths and a cost."""

from .paths import paths_taken

__all__ = ["paths_taken"]
