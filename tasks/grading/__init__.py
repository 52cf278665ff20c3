"""Grade answers to math problems: answer extraction, equivalence, and majority voting."""

from .boxed import boxed_answer
from .pool import Grade, Grader
from .strict import strictly_equal
from .voting import majority, pass_at_k

__all__ = ["Grade", "Grader", "boxed_answer", "majority", "pass_at_k", "strictly_equal"]
