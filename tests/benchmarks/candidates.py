"""Other sizes of the battery's tasks, to compare with `battery.py`: a plugin with the suite ``candidates``.

archarena run --plugin tests/benchmarks/candidates.py --suite candidates --seeds 5 --results build/candidates
python tests/benchmarks/battery.py separation build/candidates
"""

from typing import ClassVar

from archarena.harness import Budget, register_task
from archarena.tasks.induction import InductionHeads
from archarena.tasks.listops import ListOps
from archarena.tasks.mqar import MultiQueryRecall
from archarena.tasks.parity import Parity


@register_task("induction-32", summary="Induction with rows of 32 tokens.", suites=("candidates",))
class LongerInduction(InductionHeads):
    arguments: ClassVar = {"quick": InductionHeads.arguments["quick"] | {"length": 32}}
    budgets: ClassVar = {"quick": Budget(steps=3_000, batch=32)}


@register_task("mqar-64", summary="Associative recall with 64 tokens in rows of 32.", suites=("candidates",))
class LongerRecall(MultiQueryRecall):
    arguments: ClassVar = {"quick": MultiQueryRecall.arguments["quick"] | {"vocab_size": 64, "length": 32}}
    budgets: ClassVar = {"quick": Budget(steps=2_000, batch=32)}


@register_task("listops-48", summary="ListOps with up to 48 tokens.", suites=("candidates",))
class LongerListOps(ListOps):
    arguments: ClassVar = {"quick": ListOps.arguments["quick"] | {"longer_than": 10, "shorter_than": 49}}
    budgets: ClassVar = {"quick": Budget(steps=2_000, batch=32)}


@register_task("parity-16", summary="Parity of rows of 16 bits.", suites=("candidates",))
class ShorterParity(Parity):
    arguments: ClassVar = {"quick": Parity.arguments["quick"] | {"length": 16}}
    budgets: ClassVar = {"quick": Budget(steps=1_000, batch=32)}
