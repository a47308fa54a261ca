"""One connector: cable, idTag, transaction and status (C 4.9). The status follows from what is so; nobody sets it."""

import random
from typing import TYPE_CHECKING

from csmsctl.simulator.car import Car
from csmsctl.simulator.meter import Meter
from csmsctl.simulator.transaction import Transaction
from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import (
    ChargePointErrorCode,
    ChargePointStatus,
    ChargingProfile,
    IdTagInfo,
    MeterValue,
    ReadingContext,
    Reason,
)
from csmsd.profiles.core.meter_values import MeterValuesReq
from csmsd.profiles.core.start_transaction import StartTransactionConf, StartTransactionReq
from csmsd.profiles.core.status_notification import StatusNotificationReq
from csmsd.profiles.core.stop_transaction import StopTransactionConf, StopTransactionReq

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint

# C 4.9: these warn, charging goes on; every other error code puts the connector out of order.
WARNINGS = frozenset({"EVCommunicationError", "LocalListConflict", "WeakSignal"})


class Connector:
    """Connector `number` of a charge point; number 0 is the charge point itself and only has a status."""

    def __init__(self, charge_point: "ChargePoint", number: int, meter: Meter) -> None:
        self.charge_point = charge_point
        self.number = number
        self.meter = meter
        self.plugged = False
        self.id_tag: str | None = None  # authorized, and waiting for the cable
        self.parent_id_tag: str | None = None
        self.charging_profile: ChargingProfile | None = None  # of the remote start (C 5.16.2)
        self.transaction: Transaction | None = None
        self.operative = True
        self.scheduled: bool | None = None  # the availability that will hold after the transaction (C 5.2)
        self.error: ChargePointErrorCode = "NoError"
        self.next_car: Car | None = None  # who comes next, where that was said
        self._finished = False  # the cable is still plugged in from what was before
        self._told: tuple[ChargePointStatus, ChargePointErrorCode] | None = None  # to the Central System
        self._shown: tuple[ChargePointStatus, ChargePointErrorCode] | None = None  # to who watches here

    # --- status

    @property
    def status(self) -> ChargePointStatus:
        if self.error != "NoError" and self.error not in WARNINGS:
            return "Faulted"
        if self.transaction is not None:
            if self.meter.withheld:  # C 4.9: it goes before SuspendedEV
                return "SuspendedEVSE"
            return "SuspendedEV" if self.meter.suspended else "Charging"
        if not self.operative:
            return "Unavailable"
        if self._finished:
            return "Finishing"
        if self.id_tag is None and any(profile.reserves(self.number) for profile in self.charge_point.profiles):
            return "Reserved"
        return "Preparing" if self.plugged or self.id_tag is not None else "Available"

    @property
    def unused(self) -> bool:
        """Whether nobody has begun anything, and nothing is wrong; neither a cable nor a reservation counts."""
        faulted = self.error != "NoError" and self.error not in WARNINGS
        busy = self.transaction is not None or self.id_tag is not None or self._finished
        return self.operative and not faulted and not busy

    @property
    def startable(self) -> bool:
        """Whether a transaction can begin here."""
        return (
            self.transaction is None
            and self.id_tag is None
            and self.status in ("Available", "Preparing", "Finishing", "Reserved")
        )

    def admits(self, id_tag: str, parent_id_tag: str | None = None) -> bool:
        """Whether no reservation speaks against a transaction for that idTag (C 5.13)."""
        return all(profile.admits(self.number, id_tag, parent_id_tag) for profile in self.charge_point.profiles)

    def update(self, info: str | None = None, *, always: bool = False) -> None:
        """Tells the Central System when the status is not what it was told last."""
        current = (self.status, self.error)
        if current != self._shown:
            self._shown = current
            error = None if self.error == "NoError" else self.error
            self.charge_point.tell("status", self.number, status=self.status, error=error, info=info)
        if (always or current != self._told) and self.charge_point.may_send and not self.charge_point.has_backlog:
            self._told = current
            self.charge_point.call(self.status_notification(info))

    def status_notification(self, info: str | None = None) -> StatusNotificationReq:
        return StatusNotificationReq(
            connector_id=self.number,
            error_code=self.error,
            info=info,
            status=self.status,
            timestamp=format_timestamp(self.charge_point.clock),
        )

    def fault(self, code: ChargePointErrorCode) -> None:
        """An error appears; `NoError` ends it, and the status before it returns (C 4.9, I1 to I8)."""
        self.error = code
        if self.status == "Faulted":
            self.stop("Other")
        else:
            self._pause_if_needed()
        self.update()

    def _pause_if_needed(self) -> None:
        """The car draws nothing without a cable, nor while charge point and car do not understand each other."""
        if self.transaction is not None:
            paused = not self.plugged or self.error == "EVCommunicationError"
            self.meter.pause(paused, self.charge_point.now)

    def set_operative(self, operative: bool) -> None:
        self.operative = operative
        self.scheduled = None
        self.update()

    def _free(self) -> None:
        """All user actions are completed: what was scheduled happens (C 4.9, F8)."""
        self._finished = False
        if self.scheduled is not None:
            self.operative, self.scheduled = self.scheduled, None

    # --- what people do

    def plug(self) -> None:
        """The driver plugs the cable in."""
        if self.plugged:
            return
        self.plugged = True
        self.charge_point.tell("plugged", self.number)
        if self.transaction is not None:
            self._pause_if_needed()
            self.update()
            return
        self._proceed()

    def unplug(self) -> None:
        """The driver unplugs the cable (C 4.9: EV side disconnected)."""
        if not self.plugged:
            return
        self.plugged = False
        self.charge_point.tell("unplugged", self.number)
        info = None
        if self.transaction is not None:
            info = "EV side disconnected"
            if self.charge_point.configuration.boolean("StopTransactionOnEVSideDisconnect"):
                self._finished = True
                self.stop("EVDisconnected", info=info)
            else:
                self._pause_if_needed()
                self.update(info)
                return
        self._free()
        self._proceed()

    def present(self, id_tag: str) -> None:
        """The driver holds an idTag before the reader: to start, to stop, or to think better of it."""
        self.charge_point.tell("presented", self.number, id_tag=id_tag)
        if self.charge_point.dark:
            return
        transaction = self.transaction
        if transaction is not None:
            if fold(id_tag) == fold(transaction.id_tag):
                self.stop("Local", id_tag)
            else:  # C 4.10: another tag of the same group may stop it
                self.charge_point.authorization.ask(
                    id_tag, lambda info: self._authorized_to_stop(id_tag, info, transaction)
                )
        elif self.id_tag is not None and fold(self.id_tag) == fold(id_tag):
            self.cancel()  # C 4.9, B1: second presentation
        elif self.startable:
            self.charge_point.authorization.ask(id_tag, lambda info: self.authorized(id_tag, info))
        else:
            self.charge_point.tell("refused", self.number, id_tag=id_tag, status=self.status)

    def _authorized_to_stop(self, id_tag: str, info: IdTagInfo, transaction: Transaction) -> None:
        ours, theirs = transaction.parent_id_tag, info.parent_id_tag
        same_group = ours is not None and theirs is not None and fold(ours) == fold(theirs)
        if self.transaction is transaction and info.status == "Accepted" and same_group:
            self.stop("Local", id_tag)
        else:
            self.charge_point.tell("refused", self.number, id_tag=id_tag, status=info.status)

    def authorized(self, id_tag: str, info: IdTagInfo, charging_profile: ChargingProfile | None = None) -> None:
        """The verdict on an idTag is there: start, or wait for the cable."""
        if info.status != "Accepted" or not self.startable or not self.admits(id_tag, info.parent_id_tag):
            status = self.status if info.status == "Accepted" else info.status
            self.charge_point.tell("refused", self.number, id_tag=id_tag, status=status)
            return
        self.id_tag, self.parent_id_tag, self.charging_profile = id_tag, info.parent_id_tag, charging_profile
        self._finished = False  # C 4.9, F2
        self._proceed()

    def _proceed(self) -> None:
        """Starts when cable and idTag are both there, otherwise waits for the other one (C 9.1.6)."""
        timers, waiting = self.charge_point.timers, f"connection time out {self.number}"
        self.update()
        withheld = any(profile.withholds(self.number) for profile in self.charge_point.profiles)
        if self.id_tag is not None and self.plugged and not withheld:
            timers.cancel(waiting)
            self._start(self.id_tag)
        elif self.status != "Preparing":
            timers.cancel(waiting)
        else:
            seconds = self.charge_point.configuration.integer("ConnectionTimeOut")
            timers.at(waiting, self.charge_point.now + seconds * 1000, self.cancel)
            if self.id_tag is not None:
                self.charge_point.tell("waits_for_cable", self.number, id_tag=self.id_tag)

    def offered(self) -> None:
        """Limits have changed: what was ready to begin may begin now."""
        if self.id_tag is not None and self.plugged:
            self._proceed()
        self.update()

    def power_off(self, reason: Reason) -> None:
        """What a reboot leaves: the transaction has ended, no idTag waits, statuses are to be told anew (CE 3.22)."""
        self._told = None
        self.stop(reason)
        if self.id_tag is not None:
            self.cancel()

    def cancel(self) -> None:
        """What began as Preparing ends without a transaction (C 4.9, B1 and CE 3.20, B6)."""
        self.charge_point.timers.cancel(f"connection time out {self.number}")
        self.id_tag = self.parent_id_tag = self.charging_profile = None
        self._finished = self.plugged
        self.update()

    # --- transactions

    def _start(self, id_tag: str) -> None:
        charge_point = self.charge_point
        transaction = Transaction(
            connector=self.number, id_tag=id_tag, started_at=charge_point.now, parent_id_tag=self.parent_id_tag
        )
        self.transaction = transaction
        used = (profile.use(self.number, id_tag, self.parent_id_tag) for profile in charge_point.profiles)
        reservation_id = next((number for number in used if number is not None), None)
        charging_profile = self.charging_profile
        self.id_tag = self.parent_id_tag = self.charging_profile = None
        car, self.next_car = self.next_car or charge_point.new_car(), None
        self.meter.begin(car, charge_point.now)
        for profile in charge_point.profiles:
            profile.began(self, charging_profile)
        request = StartTransactionReq(
            connector_id=self.number,
            id_tag=id_tag,
            meter_start=self.meter.wh,
            reservation_id=reservation_id,
            timestamp=format_timestamp(charge_point.clock),
        )
        charge_point.tell("transaction_begins", self.number, id_tag=id_tag, meter_start=request.meter_start)
        charge_point.transactions.add(request, transaction)
        transaction.record(self._reading("StopTxnSampledData", "Transaction.Begin"))
        self.schedule_sample()
        self._expect_car()
        self.update()
        charge_point.faults.transaction_began(self)

    def start_confirmed(self, transaction: Transaction, confirmation: StartTransactionConf) -> None:
        """CE 3.17: a tag that is not accepted after all ends the transaction, or at least the energy."""
        info = confirmation.id_tag_info
        charge_point = self.charge_point
        charge_point.authorization.remember(transaction.id_tag, info)
        transaction.parent_id_tag = info.parent_id_tag
        charge_point.tell(
            "transaction_started",
            self.number,
            transaction=transaction.id,
            id_tag=transaction.id_tag,
            status=info.status,
        )
        if info.status == "Accepted" or self.transaction is not transaction:
            return
        if charge_point.configuration.boolean("StopTransactionOnInvalidId"):
            self.stop("DeAuthorized")
        else:
            transaction.deauthorized = True
            self.offer(0.0)
            self.update()

    def offer(self, limit_w: float | None, phases: int = 3) -> None:
        """The car may draw that much, on so many phases; None is as much as there is."""
        if (limit_w, phases) != (self.meter.limit_w, self.meter.limit_phases):
            self.meter.limit(limit_w, self.charge_point.now, phases)
            shown = None if limit_w is None else round(limit_w)
            self.charge_point.tell("limit", self.number, limit_w=shown, phases=phases)
            self._expect_car()

    def _expect_car(self) -> None:
        """A car that is late has its status told when it begins."""
        car, point = self.meter.car, self.charge_point
        if car is not None and self.meter.suspended and car.wakes_s > 0:
            wait = self.meter.real_seconds(car.wakes_s - car.waited_s) + 0.1
            point.timers.at(f"car {self.number}", point.now + round(wait * 1000), self._car_awake)

    def _car_awake(self) -> None:
        self.meter.advance(self.charge_point.now)
        self.update()

    def stop(self, reason: Reason, id_tag: str | None = None, *, info: str | None = None) -> None:
        """Ends the running transaction; the message is queued like all of its kind (C 4.10)."""
        transaction, charge_point = self.transaction, self.charge_point
        if transaction is None:
            return
        transaction.record(self._reading("StopTxnSampledData", "Transaction.End"))
        self.meter.end(charge_point.now)
        request = StopTransactionReq(
            id_tag=id_tag,
            meter_stop=self.meter.wh,
            timestamp=format_timestamp(charge_point.clock),
            transaction_id=0,  # put in when it is sent, since it may not be known yet
            reason=reason,
            transaction_data=transaction.data or None,
        )
        transaction.stopped = True
        self.transaction = None
        charge_point.timers.cancel(f"sample {self.number}")
        charge_point.tell(
            "transaction_ends", self.number, transaction=transaction.id, reason=reason, meter_stop=request.meter_stop
        )
        charge_point.transactions.add(request, transaction)
        self._finished = self.plugged or self._finished
        if not self._finished:
            self._free()
        self.update(info)
        for profile in charge_point.profiles:
            profile.ended(self)

    def stop_confirmed(self, transaction: Transaction, id_tag: str | None, confirmation: StopTransactionConf) -> None:
        """C 4.10: what is said of the idTag that stopped it goes into the cache."""
        if id_tag is not None and confirmation.id_tag_info is not None:
            self.charge_point.authorization.remember(id_tag, confirmation.id_tag_info)
        self.charge_point.tell("transaction_stopped", self.number, transaction=transaction.id)

    # --- meter values

    def schedule_sample(self) -> None:
        """Plans the next periodic sample; 0 means none (C 9.1.19)."""
        seconds = self.charge_point.configuration.integer("MeterValueSampleInterval")
        name = f"sample {self.number}"
        if seconds > 0 and self.transaction is not None:
            self.charge_point.timers.at(name, self.charge_point.now + seconds * 1000, self._sample)
        else:
            self.charge_point.timers.cancel(name)

    def _sample(self) -> None:
        self.schedule_sample()
        self.send_meter_values("MeterValuesSampledData", "StopTxnSampledData", "Sample.Periodic")

    def send_meter_values(self, key: str, data_key: str, context: ReadingContext) -> None:
        """Periodic or clock-aligned values: transaction-related while a transaction runs, so they may be queued."""
        charge_point, transaction = self.charge_point, self.transaction
        request = self.meter_values(key, context)
        if transaction is not None:
            transaction.record(self._reading(data_key, context))
            if request is not None:
                charge_point.transactions.add(request, transaction)
            self.update()  # a full battery is seen here
        elif request is not None:
            charge_point.send(request)
        if request is not None:
            charge_point.tell(
                "meter_values",
                self.number,
                energy_wh=self.meter.wh,
                power_w=round(self.meter.power_w),
                soc=None if self.meter.car is None else round(self.meter.car.soc, 1),
            )

    def meter_values(self, key: str, context: ReadingContext) -> MeterValuesReq | None:
        """The readings configured under `key`, or None when it asks for none."""
        reading = self._reading(key, context)
        if not reading.sampled_value:
            return None
        transaction_id = None if self.transaction is None else self.transaction.id
        return MeterValuesReq(connector_id=self.number, transaction_id=transaction_id, meter_value=[reading])

    def _reading(self, key: str, context: ReadingContext) -> MeterValue:
        charge_point = self.charge_point
        return self.meter.sample(charge_point.configuration.names(key), context, charge_point.now, charge_point.clock)


def new_car_at_connector(chance: random.Random) -> Car:
    """One of the cars that come by."""
    capacity, most_a, phases = chance.choice(
        [(40_000.0, 28.7, 1), (52_000.0, 32.0, 3), (58_000.0, 16.0, 3), (77_000.0, 16.0, 3)]
    )
    return Car(capacity_wh=capacity, soc=chance.uniform(15.0, 65.0), most_a=most_a, phases=phases)
