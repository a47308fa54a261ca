"""Evidence in a few words, for tests of the verdict.

    S 1000 -60 | M -30 1100 | M -20 1.2kWh clock @Body L1 | B -15 | E 1300 0

S start, E stop: register (`?` for none) and minute. M reading: minute and value, with unit, context, location, phase,
measurand and connector in any order. B: a boot. R: the rating of the connector. `got:M` is the minute of arrival where
it is not that of the message, `odd` says that the time is not the charge point's own, `untimed` that of a reading.
"""

import msgspec

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.energy.evidence import Boot, Evidence, Reading, Start, Stop, evidence_of_samples
from csmsd.profiles.core.energy.plain import Plain
from csmsd.profiles.core.metering import POWER
from tests.csmsd.profiles.scene import NOON

MINUTE = 60_000
_CONTEXTS = {
    "begin": "Transaction.Begin",
    "end": "Transaction.End",
    "clock": "Sample.Clock",
    "periodic": "Sample.Periodic",
    "trigger": "Trigger",
    "other": "Other",
    "paused": "Interruption.Begin",
    "resumed": "Interruption.End",
}
_MEASURANDS = {
    "interval": "Energy.Active.Import.Interval",
    "power": "Power.Active.Import",
    "export": "Energy.Active.Export.Register",
    "register": "Energy.Active.Import.Register",
}


def minute(text: str) -> int:
    """`-30` or `+120.5` minutes from noon."""
    return NOON + round(float(text) * MINUTE)


def played(text: str) -> Evidence:
    start = stop = rating = None
    readings: list[Reading] = []
    boots: list[Boot] = []
    for step in text.split("|"):
        kind, *words = step.split()
        match kind:
            case "S":
                start = msgspec.convert(_told(words, "-60"), Start)
            case "E":
                stop = msgspec.convert(_told(words, "0"), Stop)
            case "M":
                readings += _reading(words)
            case "B":
                at = minute(words[0])
                boots.append(
                    Boot(min(at, max([start.time if start else 0, *(reading.time for reading in readings)])), at)
                )
            case "R":
                rating = float(words[0])
            case _:
                raise ValueError(step)
    assert start is not None
    return Evidence(connector=1, start=start, stop=stop, readings=readings, boots=boots, rating_w=rating)


def _told(words: list[str], default: str) -> dict[str, object]:
    register, *rest = words
    times = [word for word in rest if word[0] in "+-0123456789"]
    told = minute(times[0] if times else default)
    got = next((minute(word[4:]) for word in rest if word.startswith("got:")), told)
    odd = "before_2010" if "odd" in rest else None
    return {
        "time": got if odd else told,
        "received_at": got,
        "register": None if register == "?" else float(register),
        "oddity": odd,
    }


def _reading(words: list[str]) -> list[Reading]:
    at, value, *rest = words
    digits = value.rstrip("WkhMva")
    fields: dict[str, object] = {"value": digits, "unit": value[len(digits) :] or None}
    connector, timed = 1, True
    for word in rest:
        if word in _CONTEXTS:
            fields["context"] = _CONTEXTS[word]
        elif word in _MEASURANDS:
            fields["measurand"] = _MEASURANDS[word]
        elif word[0] == "@":
            fields["location"] = word[1:]
        elif word[0] == "#":
            connector = int(word[1:])
        elif word == "untimed":
            timed = False
        elif word == "signed":
            fields["format"] = "SignedData"
        elif word[0] in "LN":
            fields["phase"] = word
        else:
            raise ValueError(word)
    sample = SampledValue(**fields)  # type: ignore[arg-type]
    return evidence_of_samples([sample], connector=connector, time=minute(at), timed=timed)


def plainly(sent: Evidence) -> int | None:
    """The figure of the fast path, fed in the order of arrival as its documentation has it."""
    start = sent.start
    plain = Plain.began(
        register=start.register,
        time=start.time,
        received_at=start.received_at,
        oddity=start.oddity,
        rating_w=sent.rating_w,
    )
    for row in sent.readings:
        if row.connector == sent.connector and row.measurand == POWER and row.phase != "N":
            plain.draw(row.time, row.value) if row.timed else plain.leave()
        if row.connector != sent.connector or not row.measurand.startswith("Energy"):
            continue
        if not row.timed:
            plain.leave()
        if row.measurand != "Energy.Active.Import.Register" or row.phase or row.location != "Outlet":
            plain.leave()
        elif row.context == "Transaction.Begin":
            plain.begin(row.value)
        else:
            plain.take(row.time, row.value)
    stop = sent.stop
    if stop is None:
        return plain.figure
    return plain.stopped(register=stop.register, time=stop.time, received_at=stop.received_at, oddity=stop.oddity)
