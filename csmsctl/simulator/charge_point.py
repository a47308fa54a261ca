"""A charge point as a pure state machine: time, text and events go in; text, notices and a wish for a link come out.

Whoever runs it calls `advance` with the time (ms since 1970 UTC) first, then says what happened, then takes
`data_to_send`, `notices` and looks at `link` and `next_deadline`.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import Any, Literal

from csmsctl.simulator.authorization import Authorization
from csmsctl.simulator.car import Car
from csmsctl.simulator.car_descriptions import another_car
from csmsctl.simulator.configuration import Configuration
from csmsctl.simulator.connector import Connector, new_car_at_connector
from csmsctl.simulator.faults import Faults
from csmsctl.simulator.messages import Messages
from csmsctl.simulator.meter import Meter
from csmsctl.simulator.notice import Detail, Notice
from csmsctl.simulator.profiles import PROFILES, Profile
from csmsctl.simulator.timers import Timers
from csmsctl.simulator.tls import Tls
from csmsctl.simulator.transaction import TransactionQueue
from csmsctl.simulator.transfers import Transfer
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import Message, Reason, RegistrationStatus
from csmsd.profiles.core.boot_notification import BootNotificationConf, BootNotificationReq
from csmsd.profiles.core.heartbeat import HeartbeatConf, HeartbeatReq

VENDOR = "csms"
MODEL = "Simulated"
FIRMWARE = "1.0.0"
DEFAULT_BOOT_INTERVAL = 30
SECONDS_TO_BOOT = 3.0
SECONDS_TO_RECONNECT = 0.5
SECONDS_TO_SHUT_DOWN = 1  # between the answer to Reset and the end
SECONDS_TO_END_TRANSACTIONS = 10
CLOCK_TOLERANCE = 1000

# What is wanted of the WebSocket: to be there, to be closed properly, to vanish without a word.
Link = Literal["up", "closed", "cut"]


class ChargePoint:
    """One simulated charge point with its connectors, profiles, memory and manners."""

    def __init__(
        self,
        identity: str,
        *,
        now: int,
        connectors: int = 2,
        seed: int | None = None,
        speed: float = 1.0,
        password: str | None = None,
        misbehave: Iterable[str] = (),
        settings: dict[str, str] | None = None,
        cars: Sequence[Car] = (),
    ) -> None:
        self.identity = identity
        self.now = now
        self.link: Link = "up"
        self.password = password
        self.firmware_version = FIRMWARE
        self.transfers: list[Transfer] = []  # for the runner to begin
        self.registration: RegistrationStatus | None = None
        self.timers = Timers()
        # Two sources: how many ids and delays are drawn depends on the network, which cars come must not.
        self.chance = random.Random(f"{seed}/{identity}" if seed is not None else None)
        self.jitter = random.Random(f"{seed}/{identity}/jitter" if seed is not None else None)
        self.profiles: list[Profile] = [profile(self) for profile in PROFILES]
        self.configuration = Configuration(key for profile in self.profiles for key in profile.keys)
        self.authorization = Authorization(self)
        self.transactions = TransactionQueue(self)
        self.faults = Faults(self, misbehave)
        self.has_backlog = False  # queued messages go before anything new after a reconnect
        self.connectors = {number: Connector(self, number, self._new_meter(speed)) for number in range(connectors + 1)}
        self.watchers: list[Callable[[Notice], None]] = []
        self.messages = Messages(self)
        self.tls = Tls(self)
        self.dark = False  # without power
        self._clock_offset = 0
        self.resetting: Reason | None = None
        self._notices: list[Notice] = []
        for name, value in (settings or {}).items():
            if self.configuration.change(name, value) not in ("Accepted", "RebootRequired"):
                raise ValueError(f"{name}={value} is not a value that this charge point takes")
        self._cars = cycle(cars) if cars else None
        self._start()

    def _start(self) -> None:
        """What both the first start and a reboot do."""
        self.configuration.reboot()
        for profile in self.profiles:
            profile.prepare()
        self.faults.prepare()

    def _new_meter(self, speed: float) -> Meter:
        return Meter(register_wh=self.chance.uniform(10_000, 5_000_000), speed=speed, ripple=self.chance.uniform(0, 6))

    def new_car(self) -> Car:
        """Those that were described come in turn; without any, whoever comes by."""
        return new_car_at_connector(self.chance) if self._cars is None else another_car(next(self._cars))

    # --- what the runner takes

    def data_to_send(self) -> list[bytes]:
        return self.messages.data_to_send()

    def notices(self) -> list[Notice]:
        """What has happened since the last time."""
        taken, self._notices = self._notices, []
        return taken

    def next_deadline(self) -> int | None:
        """When `advance` has to be called at the latest."""
        times = [self.timers.next(), self.messages.next_deadline()]
        return min((int(time) for time in times if time is not None), default=None)

    def tell(self, event: str, connector: int | None = None, **details: Detail) -> None:
        notice = Notice(self.now, self.identity, event, connector, details)
        self._notices.append(notice)
        for watch in list(self.watchers):
            watch(notice)

    # --- time and link

    @property
    def clock(self) -> int:
        """The charge point's own idea of the time, as the Central System taught it (C 4.2)."""
        return self.now + self._clock_offset

    @property
    def online(self) -> bool:
        return self.messages.linked and self.link == "up"

    @property
    def may_send(self) -> bool:
        """C 4.2: nothing but BootNotification leaves before the charge point was accepted."""
        return self.online and self.registration == "Accepted"

    def advance(self, now: int) -> None:
        """Does what was planned up to `now`."""
        while (due := self.timers.pop_due(now)) is not None:
            time, action = due
            self.now = max(self.now, time)
            action()
        self.now = max(self.now, now)
        self.messages.expire()

    def connected(self) -> None:
        """The WebSocket is open. J 5.4: a mere reconnect needs no BootNotification."""
        self.messages.begin()
        self.tell("connected")
        if self.registration == "Accepted":
            self._resume()
        elif "boot" not in self.timers:
            self._boot()

    def disconnected(self) -> None:
        """The WebSocket is gone; what was open gets no answer any more."""
        if not self.messages.linked:
            return
        self.tell("disconnected")
        self.timers.cancel("heartbeat")
        self.messages.end()

    def go_offline(self) -> None:
        """The network fails; charging goes on."""
        self.link = "cut"

    def go_online(self) -> None:
        """The network is back, unless the charge point is switched off."""
        if "power on" not in self.timers and not self.dark:
            self.link = "up"

    def not_connected(self, problem: str) -> bool:
        """A connection could not be opened; whether it is to be tried at once in another way."""
        return any(profile.not_connected(problem) for profile in self.profiles)

    def reconnect(self) -> None:
        """Closes the connection and opens a new one, for a new password."""
        self.link = "closed"
        self._power_on_in(SECONDS_TO_RECONNECT)

    # --- boot, heartbeat, reset

    def _boot(self) -> None:
        if not self.online:
            return
        request = BootNotificationReq(
            charge_point_vendor=VENDOR,
            charge_point_model=MODEL,
            charge_point_serial_number=self.identity[:25],
            firmware_version=self.firmware_version,
            meter_type="simulated",
        )
        self.call(request, self._booted, self._boot_failed)

    def boot_now(self) -> None:
        """A BootNotification that the Central System asked for, before its time (C 4.2)."""
        self.timers.cancel("boot")
        self._boot()

    def _booted(self, confirmation: BootNotificationConf) -> None:
        self.registration = confirmation.status
        self.tell("registered", status=confirmation.status, interval=confirmation.interval)
        if confirmation.status != "Accepted":
            self._boot_later(confirmation.interval or DEFAULT_BOOT_INTERVAL)
            return
        if confirmation.interval > 0:
            self.configuration.put("HeartbeatInterval", str(confirmation.interval))
        self._synchronize(confirmation.current_time)
        self.has_backlog = False
        self.schedule_heartbeat()
        for connector in self.connectors.values():
            connector.update(always=True)
        self.transactions.deliver()

    def _boot_failed(self, reason: str) -> None:
        if self.online and reason != "disconnected":
            self._boot_later(DEFAULT_BOOT_INTERVAL)

    def _boot_later(self, seconds: int) -> None:
        self.timers.at("boot", self.now + seconds * 1000, self._boot)

    def _resume(self) -> None:
        """After a reconnect: first what was queued, in order, then the statuses that have changed (C 3.7, 4.9)."""
        self.schedule_heartbeat()
        self.has_backlog = len(self.transactions) > 0
        if self.has_backlog:
            self.tell("backlog", queue=len(self.transactions))
            self.transactions.deliver()
        else:
            self.backlog_settled()

    def backlog_settled(self) -> None:
        """The queue is empty, or its first message has to wait: the rest need not wait for it."""
        self.has_backlog = False
        for connector in self.connectors.values():
            connector.update()
        if self.resetting == "SoftReset" and len(self.transactions) == 0:
            self._reset_in(SECONDS_TO_SHUT_DOWN, self.resetting)

    def schedule_heartbeat(self) -> None:
        self.timers.at("heartbeat", self.now + self.configuration.integer("HeartbeatInterval") * 1000, self._heartbeat)

    def _heartbeat(self) -> None:
        self.schedule_heartbeat()
        if self.may_send:
            self.heartbeat()

    def heartbeat(self) -> None:
        self.tell("heartbeat")
        self.call(HeartbeatReq(), self._heartbeat_answered)

    def _heartbeat_answered(self, confirmation: HeartbeatConf) -> None:
        self._synchronize(confirmation.current_time)

    def _synchronize(self, current_time: str) -> None:
        time = parse_timestamp(current_time)
        if time is not None and abs(time + self.faults.clock_error_ms() - self.clock) > CLOCK_TOLERANCE:
            self._clock_offset = time + self.faults.clock_error_ms() - self.now

    def reset(self, hard: bool) -> bool:
        """Reset (C 5.14). Soft: every transaction is stopped and its stop delivered first, if that is possible."""
        if self.resetting is not None:
            return False
        self.resetting = "HardReset" if hard else "SoftReset"
        if not hard:
            for connector in self.connectors.values():
                connector.stop("SoftReset")
        waits = not hard and len(self.transactions) > 0
        self._reset_in(SECONDS_TO_END_TRANSACTIONS if waits else SECONDS_TO_SHUT_DOWN, self.resetting)
        return True

    def _reset_in(self, seconds: float, reason: Reason) -> None:
        self.timers.at("reset", self.now + round(seconds * 1000), lambda: self.reboot(reason))

    def reboot(self, reason: Reason, link: Link = "closed") -> None:
        """Switches off, and on again a few seconds later. What runs is stopped; its stop is sent after the boot."""
        self.link = link  # before the transactions end, so that nothing of it is sent any more
        self.registration = None
        self.resetting = None
        for name in ("reset", "boot", "heartbeat", "retry"):
            self.timers.cancel(name)
        self.tell("reboots", reason=reason)
        for connector in self.connectors.values():
            connector.power_off(reason)
        self._start()
        self._power_on_in(SECONDS_TO_BOOT)

    def power_failure(self) -> None:
        self.reboot("PowerLoss", link="cut")

    def cut_power(self) -> None:
        """The line that it hangs on is dead."""
        if not self.dark:
            self.dark = True
            self.reboot("PowerLoss", link="cut")
            self.timers.cancel("power on")

    def restore_power(self) -> None:
        """The line has power again."""
        if self.dark:
            self.dark = False
            self._power_on_in(SECONDS_TO_BOOT)

    def _power_on(self) -> None:
        if not self.messages.linked:
            self.link = "up"
        else:  # the old link is not gone yet
            self._power_on_in(0.1)

    def _power_on_in(self, seconds: float) -> None:
        self.timers.at("power on", self.now + round(seconds * 1000), self._power_on)

    # --- messages

    def send(self, request: Message) -> None:
        """Sends what may be lost: nothing happens while it must not be sent."""
        if self.may_send:
            self.call(request)

    def call(
        self,
        request: Message,
        then: Callable[[Any], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Sends a CALL; `then` is given its confirmation, `failed` the reason why there is none."""
        self.messages.call(request, then, failed)

    def receive(self, text: str | bytes) -> None:
        """Takes one WebSocket message."""
        self.messages.receive(text)
