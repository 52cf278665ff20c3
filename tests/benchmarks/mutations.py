"""How many small changes to the code do the tests notice?

``python tests/benchmarks/mutations.py --seed 1 --count 30`` draws mutations from all product files with a seeded
generator, applies one at a time to the working tree, and runs the tests of the file's package, then those of the
packages that use it. It restores each file, and prints one line per mutation and the number that made a test fail.
A mutation counts as noticed only if the test that failed passes again on the original code. One that no test
notices, or that makes the tests take too long, is either equivalent to the original code or shows a missing test.
"""

from __future__ import annotations

import argparse
import ast
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "kernels", "leaderboard", "models", "tasks")
LEFT_OUT = ("triton_forward.py", "triton_backward.py")
"""Kernels that run only on a GPU or in Triton's interpreter, whose tests are too slow to repeat."""
COMPARISONS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
COMPARISONS |= {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
MINUTES = 8


def sites(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """Yield (node, replacement, description) of every possible mutation outside annotations."""
    hidden = {id(part) for node in ast.walk(tree) for part in _annotations(node)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
            other = COMPARISONS[type(node.ops[0])]()
            yield node, ast.Compare(node.left, [other, *node.ops[1:]], node.comparators), "comparison"
        elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            yield node, ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right), "operator"
        elif isinstance(node, ast.BoolOp):
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield node, ast.BoolOp(other, node.values), "and/or"
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
            value = not node.value if isinstance(node.value, bool) else node.value + 1
            yield node, ast.Constant(value), "constant"
        elif isinstance(node, ast.If | ast.IfExp):
            yield node.test, ast.UnaryOp(ast.Not(), node.test), "condition"


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    for field in ("annotation", "returns"):
        if getattr(node, field, None) is not None:
            yield from ast.walk(getattr(node, field))


def mutated(source: str, node: ast.AST, replacement: ast.AST) -> str:
    """Return the source with one node replaced and everything else unchanged."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    data = source.encode()
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + node.end_col_offset
    return (data[:begin] + f"({ast.unparse(replacement)})".encode() + data[end:]).decode()


def draw(count: int, seed: int) -> list[tuple[Path, ast.AST, ast.AST, str]]:
    """Return `count` mutations, drawn uniformly over all possible ones."""
    found = []
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        if path.name not in LEFT_OUT:
            found += [(path, *site) for site in sites(ast.parse(path.read_text()))]
    return random.Random(seed).sample(found, count)


def tests_of(path: Path) -> list[list[str]]:
    """Return the test folders to run, in stages: first those that mirror the file, then the wider ones."""
    relative = path.relative_to(ROOT)
    mirror = ROOT / "tests" / Path(*relative.parts[:-1])
    while not mirror.is_dir():
        mirror = mirror.parent
    named = [str(file) for file in mirror.rglob(f"test_{path.stem}*.py")]
    wider = {
        "harness": ["tests/harness", "tests/test_newcomer.py", "tests/leaderboard/pages"],
        "kernels": ["tests/kernels", "tests/models"],
        "models": ["tests/models", "tests/harness/assembly"],
        "tasks": ["tests/tasks"],
        "leaderboard": ["tests/leaderboard"],
    }[relative.parts[0]]
    return [stage for stage in (named, [str(mirror)], wider) if stage]


def failing(tests: list[str]) -> str | None:
    """Return the first failing test or file of tests, or None.

    Raises
    ------
    subprocess.TimeoutExpired
        If they take longer than `MINUTES`.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-n", "2", *tests]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60 * MINUTES)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" ", 1)[1].split(" - ")[0] if failed else None


def noticed_by(path: Path, changed: str) -> str | None:
    """Return the test that fails on the changed source and passes on the original one, or None; restore the file."""
    source = path.read_text()
    try:
        for stage in tests_of(path):
            path.write_text(changed)
            failed = failing(stage)
            path.write_text(source)
            if failed and failing([failed]) is None:
                return failed
    except subprocess.TimeoutExpired:
        return None
    finally:
        path.write_text(source)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the mutations to run")
    options = parser.parse_args()
    noticed, ran = 0, 0
    for number, (path, node, replacement, kind) in enumerate(draw(options.count, options.seed), 1):
        if options.only and number not in options.only:
            continue
        place = f"{number:2} {path.relative_to(ROOT)}:{node.lineno} {kind}"
        change = f"{ast.unparse(node)[:60]!r} -> {ast.unparse(replacement)[:60]!r}"
        test = noticed_by(path, mutated(path.read_text(), node, replacement))
        ran, noticed = ran + 1, noticed + (test is not None)
        print(f"{place}: {change}: {test or 'NOT NOTICED'}", flush=True)
    print(f"{noticed} of {ran} mutations made a test fail.")


if __name__ == "__main__":
    main()
