"""Why a figure is doubtful: few reasons, each with an id that stays and a sentence for people."""

from typing import Literal, get_args

Doubt = Literal[
    "start_clock",
    "stop_clock",
    "start_register",
    "stop_register",
    "went_back",
    "readings_disagree",
    "unit",
    "impossible",
    "estimate",
    "unjudged",
]

SENTENCES: dict[Doubt, str] = {
    "start_clock": "The time of the start is not by a clock that the other messages agree with.",
    "stop_clock": "The time of the stop is not by a clock that the other messages agree with.",
    "start_register": "The start tells no register that the readings go on from; before the first it is unknown.",
    "stop_register": "The stop tells no register that can be right; what came after the last reading is unknown.",
    "went_back": "The register went back, and no restart of the charge point explains it.",
    "readings_disagree": "Registers, power or intervals contradict each other, or what start and stop tell.",
    "unit": "Start and stop, the readings, or the registers and the power differ by a factor of 1000.",
    "impossible": "The connector cannot deliver what the registers tell in that time.",
    "estimate": "No register and no interval was read: the energy is estimated from the power.",
    "unjudged": "csms fails to judge what was read, which is a mistake in it: start and stop alone count.",
}


# What no evidence of its energy tells, but how a transaction ended.
EndDoubt = Literal["stop_guessed", "second_stop"]

ENDS: dict[EndDoubt, str] = {
    "stop_guessed": "The stop did not name this transaction; it fits no other one.",
    "second_stop": "A second stop named this transaction with other figures; the first one is booked.",
}


def doubt_sentence(doubt: str) -> str:
    """A doubt in words, also one that an older version knew."""
    known: dict[str, str] = {str(name): text for name, text in (*SENTENCES.items(), *ENDS.items())}
    return known.get(doubt, f"Its energy is doubted: {doubt}.")


def ordered_doubts(doubts: set[Doubt]) -> tuple[Doubt, ...]:
    """Each once, in the order in which they are explained."""
    return tuple(doubt for doubt in get_args(Doubt) if doubt in doubts)
