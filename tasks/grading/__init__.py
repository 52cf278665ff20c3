"""Grade answers to math problems: answer extraction, equivalence, and majority voting."""

from .boxed import boxed_answer
from .pool import Grader, Verdict
from .strict import strictly_equal
from .voting import majority, pass_at_k

__all__ = ["Grader", "Verdict", "boxed_answer", "majority", "pass_at_k", "strictly_equal"]
