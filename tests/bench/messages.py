"""What the charge points of the load say: the messages of a transaction, as a three-phase charge point writes them."""

from collections.abc import Iterator
from itertools import cycle
from time import time_ns

from csmsd.ocpp.timestamps import format_timestamp

TAG = "TAG{:06d}"
IDENTITY = "CP{:06d}"
METER_VALUES = 10
SAMPLES = 9  # in each of them
TAGS = 1000  # that every system knows: of so many charge points, one each
WH_PER_METER_VALUES = 29

KINDS = ("Heartbeat", "Authorize", "StatusNotification", "transactions", "MeterValues")

Message = tuple[str, bytes]  # action, payload


class Clock:
    """The time as text, made anew at most once a millisecond."""

    def __init__(self) -> None:
        self._at = 0
        self._text = b""

    def text(self) -> bytes:
        now = time_ns() // 1_000_000
        if now != self._at:
            self._at, self._text = now, format_timestamp(now).encode()
        return self._text


def _sample(value: str, measurand: str, unit: str, phase: str = "", location: str = "Outlet") -> str:
    phase = f'"phase":"{phase}",' if phase else ""
    return (
        f'{{"value":"{value}","context":"Sample.Periodic","format":"Raw","measurand":"{measurand}",{phase}'
        f'"location":"{location}","unit":"{unit}"}}'
    )


def _meter_values(variant: int) -> bytes:
    """A payload with places for the transaction id, the time and the energy register: the rest is ready made."""
    samples = [
        _sample("%d.0", "Energy.Active.Import.Register", "Wh"),
        _sample(f"{10_500 + 37 * variant}.5", "Power.Active.Import", "W"),
        *(_sample(f"15.{10 + 7 * variant + n}", "Current.Import", "A", f"L{n}") for n in (1, 2, 3)),
        *(_sample(f"{228 + n}.{variant}", "Voltage", "V", f"L{n}-N") for n in (1, 2, 3)),
        _sample(str(20 + 5 * variant), "SoC", "Percent", location="EV"),
    ]
    assert len(samples) == SAMPLES
    text = '{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[' + ",".join(samples)
    return (text + "]}]}").encode()


_METER_VALUES = [_meter_values(variant) for variant in range(METER_VALUES)]
_STATUS = b'{"connectorId":%d,"errorCode":"NoError","status":"%s","timestamp":"%s"}'
_START = b'{"connectorId":1,"idTag":"%s","meterStart":%d,"timestamp":"%s"}'
_STOP = b'{"idTag":"%s","meterStop":%d,"timestamp":"%s","transactionId":%d,"reason":"Local"}'
_BOOT = (
    b'{"chargePointVendor":"Bench","chargePointModel":"AC-22","chargePointSerialNumber":"SN%06d",'
    b'"firmwareVersion":"1.4.2","meterType":"MID-3P"}'
)


class Script:
    """What one charge point says. `transaction_id` is what its last StartTransaction was answered with."""

    def __init__(self, number: int, clock: Clock) -> None:
        self.transaction_id = 0
        self._number = number
        self._tag = TAG.format(number).encode()
        self._clock = clock
        self._register = 1000

    def opening(self) -> Iterator[Message]:
        """After the connection is made."""
        yield "BootNotification", _BOOT % self._number
        yield self._status(b"Available", connector=0)
        yield self._status(b"Available")

    def transactions(self) -> Iterator[Message]:
        """One after the other, without end."""
        while True:
            yield self._authorize()
            yield self._status(b"Preparing")
            yield self._start()
            yield self._status(b"Charging")
            for template in _METER_VALUES:
                yield self._meter_values(template)
            yield self._stop()
            yield self._status(b"Available")

    def of_one_kind(self, kind: str) -> Iterator[Message]:
        """One of KINDS over and over; MeterValues are those of one transaction that does not end."""
        if kind == "MeterValues":
            yield self._start()
            for template in cycle(_METER_VALUES):
                yield self._meter_values(template)
        for status in cycle((b"Preparing", b"Available")):
            if kind == "Heartbeat":
                yield "Heartbeat", b"{}"
            elif kind == "Authorize":
                yield self._authorize()
            elif kind == "StatusNotification":
                yield self._status(status)
            else:
                yield self._start()
                self._register += WH_PER_METER_VALUES
                yield self._stop()

    def _status(self, status: bytes, connector: int = 1) -> Message:
        return "StatusNotification", _STATUS % (connector, status, self._clock.text())

    def _authorize(self) -> Message:
        return "Authorize", b'{"idTag":"%s"}' % self._tag

    def _start(self) -> Message:
        return "StartTransaction", _START % (self._tag, self._register, self._clock.text())

    def _meter_values(self, template: bytes) -> Message:
        self._register += WH_PER_METER_VALUES
        return "MeterValues", template % (self.transaction_id, self._clock.text(), self._register)

    def _stop(self) -> Message:
        stop = _STOP % (self._tag, self._register, self._clock.text(), self.transaction_id)
        return "StopTransaction", stop
