"""Grade answers to math problems: answer extraction, equivalence, and majority voting."""

from .boxed import boxed_answer
from .minerva import minerva_equal
from .pool import Grade, Grader
from .strict import strictly_equal
from .voting import majority, pass_at_k

__all__ = ["Grade", "Grader", "boxed_answer", "majority", "minerva_equal", "pass_at_k", "strictly_equal"]
