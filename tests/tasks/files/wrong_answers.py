r"""Rules that turn a correct answer into a wrong one, such as another number with the same unit.

Each rule takes a correct answer and returns a wrong one, or None where it does not apply.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from random import Random

GOLDS = [
    gold.strip()
    for gold in re.split(
        r"[|\n]",
        r"""
12 | -7 | 90^\circ | 50\% | \$3.50 | 1100 | 10,000 | 5,\!280 | 0 | 2^{100} | 3^{98}+1 | 10! | 12\text{ cm}
15\mbox{ cm}^2 | 45\text{ mph} | 3 \text{ hours} | 81\text{ teachers} | 100 square feet | \frac{1}{2}
-\frac{2}{3} | \frac{7}{12} | \frac{1}{2^{98}} | 3\frac{1}{4} | \frac{1}{30!} | 5/8 | \sqrt{2} | 3\sqrt{5}
\frac{\pi}{4} | 2\pi | \frac{\sqrt{3}}{2} | 1+\sqrt{7} | e^{2} | \frac{\pi}{2^{90}} | 2+3i | 1-\mathrm{i}
4\mathrm{e} | 3\mathbf{a} | x^2-1 | 2x+3 | 3(a+b) | \frac{x+2}{7} | 1,2 | 3, 5, 7 | \{1,4,9\} | -2,\frac{1}{2}
\pm 2 | 1 \pm \sqrt{3} | 6 \text{ and } 8 | (1,2) | (3,-1,4) | \left(\frac{1}{2},5\right) | (3,\frac{\pi}{2})
[2,5) | (-1,3] | [0,1] | (-\infty,2) | [4,\infty) | (-\infty,-\frac{1}{2}] | (0,1)\cup(1,2) | [1,3]\cup[5,8]
x<3 | -2\le x\le 7 | x\in[1,2] | k\ge 2 | 1011_2 | 204_5 | 152A_{11} | -37_8
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} | \begin{pmatrix} 7 \\ -1 \end{pmatrix} | \text{Evelyn}
\text{(B)} | \text{even} | y=2x+3 | x=5
""".strip(),
    )
]


def generated(seed: int) -> list[str]:
    """Return intervals, numbers with units, fractions and numbers in other bases."""
    random = Random(seed)
    units = [r"\text{ cm}", r"\text{ square units}", r"\mbox{ inches}", r"\%", r"^\circ", r"\text{ dollars}"]
    golds = []
    for _ in range(12):
        low, size = random.randint(-9, 9), random.randint(1, 9)
        golds.append(f"{random.choice('([')}{low},{low + size}]")
        golds.append(random.choice([f"(-\\infty,{low}]", f"(-\\infty,{low})", f"[{low},\\infty)", f"({low},\\infty)"]))
        golds.append(f"{random.randint(2, 300)}{random.choice(units)}")
        golds.append(rf"\frac{{{random.randint(1, 30)}}}{{{random.choice([7, 11, 13, 31])}}}")
        golds.append(f"{random.choice(['101', '1202', '34', '3021'])}_{random.randint(5, 9)}")
    return golds


_INTERVAL = re.compile(r"([(\[])([^,()\[\]]+),([^,()\[\]]+)([)\]])")
_INFINITE = r"\infty"


def _other_number(gold: str, random: Random) -> str:
    """Add to one of the digits; powers of zero and one, and arguments of words, are left alone."""
    places = [place.start() for place in re.finditer(r"(?<![_{\d])\d(?![^{]*\}\{)", gold)] or None
    if places is None:
        return gold
    place = random.choice(places)
    return gold[:place] + str((int(gold[place]) + random.randint(1, 8)) % 10) + gold[place + 1 :]


def other_number(gold: str, random: Random) -> str | None:
    if re.search(r"[a-zA-Z]_|[*^!]|frac|sqrt|pm|<|_|matrix|\\in|\\le|\\ge|\\cup|[({]", gold) or not re.search(
        r"\d", gold
    ):
        return None
    wrong = _other_number(gold, random)
    return None if sorted(re.findall(r"\d+", wrong)) == sorted(re.findall(r"\d+", gold)) else wrong


def other_number_same_unit(gold: str, random: Random) -> str | None:
    unit = re.fullmatch(r"(\d+)\s*(\\(?:text|mbox)\{[^}]*\}.*|\\%|\^\\circ)", gold)
    return f"{int(unit[1]) + random.randint(1, 50)}{unit[2]}" if unit else None


def other_number_plain_unit(gold: str, random: Random) -> str | None:
    if not re.fullmatch(r"-?\d+", gold):
        return None
    unit = random.choice(["cm", "degrees", "dollars", "percent", "square inches", "apples"])
    return f"{int(gold) + random.randint(1, 50)} {unit}"


def other_magnitude(gold: str, random: Random) -> str | None:
    return rf"{gold}\text{{ million}}" if re.fullmatch(r"[1-9]\d*", gold) else None


def other_sign(gold: str, random: Random) -> str | None:
    if gold == "0" or (re.search(r"[,<>=]|\\(?:pm|in|le|ge|text|cup|begin)(?![a-z])|_", gold) and "{,}" not in gold):
        return None
    return f"-({gold})" if re.search(r"(?<!^)[+-]", gold) else gold[1:] if gold.startswith("-") else f"-{gold}"


def one_more(gold: str, random: Random) -> str | None:
    if re.search(r"[,<>=]|\\(?:pm|in|le|ge|text|mbox|cup|begin|circ)(?![a-z])|_|[%$]|feet", gold):
        return None
    return f"{gold}+{random.choice(['1', 'i', 'x'])}"


def inverse(gold: str, random: Random) -> str | None:
    fraction = re.fullmatch(r"(-?)\\frac\{([^{}]+)\}\{([^{}]+)\}", gold)
    return rf"{fraction[1]}\frac{{{fraction[3]}}}{{{fraction[2]}}}" if fraction and fraction[2] != fraction[3] else None


def rounded(gold: str, random: Random) -> str | None:
    fraction = re.fullmatch(r"(-?)\\frac\{(\d+)\}\{(\d+)\}", gold)
    if not fraction:
        return None
    exact = Fraction(int(fraction[2]), int(fraction[3]))
    wrong = f"{float(exact):.{random.randint(2, 9)}f}"
    return None if Fraction(wrong) == exact else fraction[1] + wrong


def almost(gold: str, random: Random) -> str | None:
    if re.fullmatch(r"\d+\^\{\d+\}(?:\+1)?|\d+!", gold):
        return f"{gold}{random.choice('+-')}1"
    small = re.fullmatch(r"\\frac\{[^{}]*\}\{(.*)\}", gold)
    return (
        random.choice(["0", gold.replace(small[1], f"{small[1]}+1")]) if small and re.search(r"[\^!]", gold) else None
    )


def without_letter(gold: str, random: Random) -> str | None:
    letter = re.search(r"\\math(?:rm|bf)\{[eia]\}", gold)
    return gold.replace(letter[0], random.choice(["", r"\mathbf{b}"])).rstrip("+-") if letter else None


def other_base(gold: str, random: Random) -> str | None:
    numeral = re.fullmatch(r"(.*)_\{?(\d+)\}?", gold)
    return f"{numeral[1]}_{{{int(numeral[2]) + random.randint(1, 5)}}}" if numeral else None


def other_end(gold: str, random: Random) -> str | None:
    """Open a closed end of an interval, or close an open one."""
    swapped = {"(": "[", "[": "(", ")": "]", "]": ")"}
    if not re.search(r"\[|\]|\\infty|\\cup", gold) or ("frac" in gold and "infty" not in gold):
        return None
    finite = [end.start() for end in re.finditer(r"[(\[](?!-?\\infty)|(?<!\\infty)[)\]]", gold)]
    place = random.choice(finite)
    return gold[:place] + swapped[gold[place]] + gold[place + 1 :]


def complement(gold: str, random: Random) -> str | None:
    interval = _INTERVAL.fullmatch(gold)
    if not interval or not re.search(r"\[|\]|\\infty", gold):
        return None
    left, low, high, right = interval.groups()
    parts = [] if _INFINITE in low else [rf"(-\infty,{low}{')' if left == '[' else ']'}"]
    parts += [] if _INFINITE in high else [rf"{'(' if right == ']' else '['}{high},\infty)"]
    return r"\cup".join(parts)


def other_relation(gold: str, random: Random) -> str | None:
    """Return an inequality that does not describe the interval: strict for closed, or reversed."""
    interval = _INTERVAL.fullmatch(gold)
    if not interval or not re.search(r"\[|\]|\\infty", gold):
        return None
    left, low, high, right = interval.groups()
    if _INFINITE in low or _INFINITE in high:
        end, closed = (high, right == "]") if _INFINITE in low else (low, left == "[")
        true = "<" if _INFINITE in low else ">"
        wrong = [f"{true}{'' if closed else '='}", "<>"["<>".index(true) - 1], "="]
        return "x" + random.choice(wrong).replace("<=", r"\le ").replace(">=", r"\ge ") + end
    signs = [r"\le " if left == "(" else "<", r"\le " if right == "]" else "<"]
    return f"{low}{signs[0]}x{signs[1]}{high}"


def reversed_relation(gold: str, random: Random) -> str | None:
    turned = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}
    if not re.search(r"[<>]|\\[lg]e(?![a-z])", gold):
        return None
    return re.sub(r"[<>]|\\[lg]e(?![a-z])", lambda sign: turned[sign[0]], gold)


def strict_relation(gold: str, random: Random) -> str | None:
    turned = {"<": r"\le ", ">": r"\ge ", r"\le": "<", r"\ge": ">"}
    if not re.search(r"[<>]|\\[lg]e(?![a-z])", gold):
        return None
    return re.sub(r"[<>]|\\[lg]e(?![a-z])", lambda sign: turned[sign[0]], gold, count=1)


def _listed(gold: str) -> list[str] | None:
    inner = re.sub(r"^\\\{|\\\}$", "", gold)
    if re.search(r"[()\[\]<=]|\{,\}|\\!|\\text", inner) or re.fullmatch(r"\\?\$?\d{1,3}(,\d{3})+", inner):
        return None
    return inner.split(",") if "," in inner else None


def a_member_less(gold: str, random: Random) -> str | None:
    parts = _listed(gold)
    return ",".join(random.sample(parts, len(parts) - 1)) if parts else None


def a_member_more(gold: str, random: Random) -> str | None:
    parts = _listed(gold)
    return ",".join([*parts, str(random.randint(1000, 2000))]) if parts else None


def half_of_two(gold: str, random: Random) -> str | None:
    return gold.replace(r"\pm", random.choice("+-")) if r"\pm" in gold and "{" not in gold[:2] else None


def swapped_coordinates(gold: str, random: Random) -> str | None:
    inner = re.fullmatch(r"(?:\\left)?\(([^()]*?)(?:\\right)?\)", gold)
    parts = [part.strip() for part in inner[1].split(",")] if inner else []
    if len(set(parts)) < 2 or _INFINITE in gold:
        return None
    return f"({','.join(parts[1:] + parts[:1])})"


def other_entry(gold: str, random: Random) -> str | None:
    return _other_number(gold, random) if "matrix" in gold and re.search(r"(?<![{\d])\d(?![^{]*\}\{)", gold) else None


def split_thousands(gold: str, random: Random) -> str | None:
    number = re.fullmatch(r"(\d{1,3}),?(?:\\!)?(\d{3})", gold)
    return f"{number[1]}, {number[2]}" if number else None


def other_variable(gold: str, random: Random) -> str | None:
    if re.fullmatch(r"[xyk]\s*=.*", gold):
        return "m" + gold[1:]
    return (
        gold.replace("x", "z")
        if re.search(r"(?<![a-z\\])x(?![a-z])", gold) and not re.search(r"[<>=]|\\in|\\le", gold)
        else None
    )


def other_word(gold: str, random: Random) -> str | None:
    word = re.fullmatch(r"\\text\{(.*)\}", gold)
    return rf"\text{{{random.choice(['Zoe', '(E)', 'neither', 'Sunday'])}}}" if word and "or" not in word[1] else None


def nothing_like_it(gold: str, random: Random) -> str | None:
    if random.random() < 0.7:
        return None
    return random.choice(
        [r"\frac{355}{113}", "(17,-29)", "[-31,37)", r"\{41,43\}", "q-7", r"\text{pentagon}", "x>1009"]
    )


RULES: tuple[Callable[[str, Random], str | None], ...] = (
    other_number, other_number_same_unit, other_number_plain_unit, other_magnitude, other_sign, one_more, inverse,
    rounded, almost, without_letter, other_base, other_end, complement, other_relation, reversed_relation,
    strict_relation, a_member_less, a_member_more, half_of_two, swapped_coordinates, other_entry, split_thousands,
    other_variable, other_word, nothing_like_it,
)  # fmt: skip


def wrong_pairs(golds: Sequence[str], seed: int = 0) -> Iterator[tuple[str, str, str]]:
    """Yield (rule, correct answer, wrong answer) for each rule and each answer it applies to."""
    random = Random(seed)
    for gold in golds:
        for rule in RULES:
            wrong = rule(gold, random)
            if wrong is not None and wrong != gold:
                yield rule.__name__, gold, wrong
