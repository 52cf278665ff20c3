"""Grades the cases in Math-Verify's own tests and prints how many agree, and each that does not.

Usage: ``git clone https://github.com/huggingface/Math-Verify`` and ``python tests/benchmarks/math_verify_cases.py
Math-Verify/tests``.

The cases are those with a correct and a given answer. Many are whole solutions, so `final_answer` first finds the
answer in the text: the "Final Answer" sentence, else the last boxes, else the last formula or number.
"""

from __future__ import annotations

import ast
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from archarena.tasks.grading import Grader
from archarena.tasks.grading.boxed import closing_brace

_PROMISED = re.compile(r"final answer is:?(.*?)\.(?:\s+I hope|\s*$)", re.DOTALL)
_BOX = re.compile(r"\\boxed\s*\{")
_JOINED = re.compile(
    r"(?:.*(?<![a-z])(?:and|or)(?![a-z]))?(?:[^A-Za-z]|(?<![A-Za-z])[a-z](?![A-Za-z])|\\quad)*", re.DOTALL
)
_FORMULA = re.compile(r"\$\$(.*?)\$\$|\\\[(.*?)\\\]|\\\(([^\n]*?)\\\)|(?<!\\)\$((?:\\.|[^$\n\\])*)\$", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.,/])(-?\.?\d[\d.,/]*(?<![.,])(?:\s?(?:%|€|m²))?)(?![A-Za-z\d])")
_PROSE = re.compile(r"(?<![\\A-Za-z])(?!and|or|miles|percent|pct)[A-Za-z]{3,}(?![A-Za-z])")


class Case(NamedTuple):
    """A correct and a given answer, and whether Math-Verify's tests call them the same."""

    name: str
    gold: str
    answer: str
    same: bool
    formulas_only: bool
    """Whether the test finds answers only in formulas."""


def cases(folder: Path) -> Iterator[Case]:
    """Yield the cases in a folder of tests, read without running the tests."""
    for path in sorted(folder.glob("test_*.py")):
        for function in (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)):
            for call in (node for node in function.decorator_list if isinstance(node, ast.Call)):
                names = re.findall(r"\w+", ast.literal_eval(call.args[0])) if len(call.args) == 2 else []
                if not {"gold", "pred"} <= set(names):
                    continue
                rows = eval(compile(ast.Expression(call.args[1]), str(path), "eval"), {"math": math})
                formulas_only = "['latex']" in ast.unparse(function)
                for number, row in enumerate(rows):
                    case = dict(zip(names, row, strict=True))
                    same = bool(case.get("expected", case.get("result")))
                    yield Case(
                        f"{path.stem}.{function.name}[{number}]", case["gold"], case["pred"], same, formulas_only
                    )


def final_answer(text: str, formulas_only: bool) -> str | None:
    """Return the answer in a solution; None if there is none."""
    if promised := _PROMISED.findall(text):
        return re.sub(r'^\\["(\[]|\\["$)\]]$', "", promised[-1].strip())
    if boxes := _last_boxes(text):
        return ", ".join(boxes)
    if not _PROSE.search(_FORMULA.sub("", text)):
        return "".join(
            match[1] or match[2] or match[3] or match[0] for match in [_FORMULA.fullmatch(text) or [text] * 4]
        )
    found = [
        (match.start(), next(group for group in match.groups() if group is not None))
        for match in _FORMULA.finditer(text)
    ]
    outside = _FORMULA.sub(lambda match: " " * len(match[0]), text)
    if not formulas_only:
        found += [(match.start(), match[1]) for match in _NUMBER.finditer(outside)]
    return max(found)[1] if found else None


def _last_boxes(text: str) -> list[str]:
    r"""Return the last box, and those before it that only punctuation, "and" or "or" separate from it."""
    boxes: list[str] = []
    last = 0
    for box in _BOX.finditer(text):
        end = closing_brace(text, box.end() - 1)
        between = text[last : box.start()]
        if not (boxes and len(between) < 50 and _JOINED.fullmatch(between)):
            boxes = []
        boxes.append(text[box.end() : end])
        last = len(text) if end is None else end + 1
    return boxes


def main(folder: str) -> None:
    """Print the count and the cases that differ."""
    every = list(cases(Path(folder)))
    answers = [
        (final_answer(case.gold, case.formulas_only) or "", final_answer(case.answer, case.formulas_only))
        for case in every
    ]
    with Grader() as grader:
        grades = grader.grade(answers)
    rows = zip(every, answers, grades, strict=True)
    wrong = [(case, pair, grade) for case, pair, grade in rows if grade.equal != case.same]
    print(f"{len(every) - len(wrong)} of {len(every)} agree")
    for case, (gold, answer), grade in wrong:
        verdict = "the same" if grade.equal else "different"
        print(f"{case.name}: {gold!r} and {answer!r} are {verdict} here ({grade.layer})")


if __name__ == "__main__":
    main(sys.argv[1])
