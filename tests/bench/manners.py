"""How else charge points write what the load says. Each manner is seen with many, and is to cost csmsd little more."""

import base64
import os
import re
from collections.abc import Callable
from typing import Any

import msgspec

Manner = Callable[[bytes], bytes]  # of the text of a CALL

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_Samples = list[dict[str, Any]]
_SIGNED_BYTES = 240


def _edited(edit: Callable[[str, dict[str, Any]], None]) -> Manner:
    def edited(text: bytes) -> bytes:
        call = _decode(text)
        edit(call[2], call[3])
        return _encode(call)

    return edited


def _samples_edited(edit: Callable[[_Samples], None]) -> Manner:
    def edited(action: str, payload: dict[str, Any]) -> None:
        for value in payload.get("meterValue", ()):
            edit(value["sampledValue"])

    return _edited(edited)


def _null_where_absent(samples: _Samples) -> None:
    for sample in samples:
        sample.setdefault("phase", None)


def _numbers(samples: _Samples) -> None:
    for sample in samples:
        sample["value"] = float(sample["value"])


def _unknown_unit(samples: _Samples) -> None:
    samples.append({"value": "50.0", "context": "Sample.Periodic", "measurand": "Frequency", "unit": "Hz"})


def _signed_beside(samples: _Samples) -> None:
    signed = base64.b64encode(os.urandom(_SIGNED_BYTES)).decode()
    samples.append({"value": signed, "format": "SignedData", "measurand": samples[0]["measurand"], "unit": "Wh"})


def _in_kwh(samples: _Samples) -> None:
    for sample in samples:
        if sample["unit"] == "Wh":
            sample["value"], sample["unit"] = f"{float(sample['value']) / 1000:.3f}", "kWh"


def _more_than_specified(action: str, payload: dict[str, Any]) -> None:
    payload["vendorSpecific"] = "x"


def _null_beside(action: str, payload: dict[str, Any]) -> None:
    absent = {"StatusNotification": "info", "StartTransaction": "reservationId", "StopTransaction": "transactionData"}
    if action in absent:
        payload[absent[action]] = None


def _with_an_offset(text: bytes) -> bytes:
    return re.sub(rb"(\d\.\d\d\d)Z", rb"\g<1>000+00:00", text)


MANNERS: dict[str, Manner] = {
    "plain": lambda text: text,
    "blanks in the JSON": lambda text: msgspec.json.format(text, indent=0),
    "times with six decimals and +00:00": _with_an_offset,
    "kWh with three decimals": _samples_edited(_in_kwh),
    "null for what is absent, not in samples": _edited(_null_beside),
    "null for a phase that is absent": _samples_edited(_null_where_absent),
    "values as numbers": _samples_edited(_numbers),
    "a sample in Hz": _samples_edited(_unknown_unit),
    "a field more than specified": _edited(_more_than_specified),
    "a signed value beside the others": _samples_edited(_signed_beside),
}
