"""The words in which a question is put: the same three formats for every task.

`Default` marks input and output with signs that mean nothing by themselves and is the format that models are
tuned in; `IO` is the bare input followed by the output; `Instruct` says in plain words what is wanted. These
are the three of Sun & Dredze 2024 (facts sheet, D.1). Real text uses the wording below; a world brings its
own, made of its own words and of reserved words that no pre-training text holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from ovbook.errors import OvbookError, did_you_mean

__all__ = ["DIALOGUE", "FORMATS", "PLAIN", "Wording", "check_format"]

FORMATS = ("Default", "IO", "Instruct")
"""Ways to put a question: between signs that mean nothing, as bare input and output, or in plain words."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One template a format, with `{question}` as the place to fill.

    `opening` comes once, before everything, in the Instruct format only, with the task's `{instruction}`;
    `joiner` stands between prompt and answer, `between` after each shot.
    """

    default: str = "### Input:\n{question}\n### Output:"
    io: str = "{question}"
    instruct: str = "{question}\nAnswer:"
    opening: str = "{instruction}\n\n"
    joiner: str = " "
    between: str = "\n\n"

    def ask(self, fmt: str, question: str) -> str:
        """One question in a format, without the opening and without its answer."""
        check_format(fmt)
        template = {"Default": self.default, "IO": self.io, "Instruct": self.instruct}[fmt]
        return template.format(question=question)

    def open(self, fmt: str, instruction: str) -> str:
        """What a prompt begins with: the instruction, in the Instruct format."""
        check_format(fmt)
        return self.opening.format(instruction=instruction) if fmt == "Instruct" and instruction else ""


PLAIN = Wording()
"""The wording of real text."""

DIALOGUE = Wording(default="{question}", io="{question}", instruct="{question}", opening="", between="\n\n")
"""A dialogue carries its own marks of who speaks, and ends with the mark of the one who is to answer."""


def check_format(fmt: str) -> None:
    """Refuse a format that does not exist."""
    if fmt not in FORMATS:
        raise OvbookError(
            f"unknown format '{fmt}'{did_you_mean(fmt, FORMATS)}: it is one of {', '.join(FORMATS)}"
        )
