"""A charge point on PyPI `ocpp`: an implementation of the protocol that is not ours."""

import asyncio
import ssl
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import ocpp.messages
from ocpp.routing import on
from ocpp.v16 import ChargePoint as OcppChargePoint
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action, ChargePointErrorCode, ChargePointStatus, RegistrationStatus
from websockets.exceptions import ConnectionClosed

from tests.support.wire import WAIT, Wire, open_wire

# Its answers are checked by `Wire`, ours by it; neither needs a thread for that.
ocpp.messages.ASYNC_VALIDATION = False


def timestamp(ahead: float = 0) -> str:
    """Now, as most charge points write it, or so many seconds later."""
    return (datetime.now(UTC) + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class ChargePoint(OcppChargePoint):
    """Answers every command of Core and Remote Trigger; `requests` tells, `answers` decides."""

    def __init__(self, identity: str, wire: Wire) -> None:
        super().__init__(identity, wire, response_timeout=WAIT)
        self.wire = wire
        self.requests: dict[str, asyncio.Queue[dict[str, Any]]] = defaultdict(asyncio.Queue)
        self.answers: dict[str, dict[str, Any]] = {}
        self._task = asyncio.create_task(self._serve())

    @classmethod
    async def connect(
        cls, url: str, *, password: str | None = None, tls: ssl.SSLContext | None = None
    ) -> "ChargePoint":
        return cls(url.rpartition("/")[2], await open_wire(url, password=password, tls=tls))

    async def _serve(self) -> None:
        with suppress(ConnectionClosed):
            await self.start()

    async def disconnect(self) -> None:
        """Closes the connection and reports what csmsd did wrong on it."""
        await self.wire.websocket.close()
        await asyncio.wait_for(self._task, WAIT)
        assert self.wire.violations == []

    async def request(self, action: str) -> dict[str, Any]:
        """The next request of that action, with its fields in snake_case."""
        return await asyncio.wait_for(self.requests[action].get(), WAIT)

    def _take(self, action: str, fields: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
        self.requests[action].put_nowait(fields)
        return self.answers.get(action, usual)

    # --- what it says

    async def ask(self, request: Any) -> Any:
        """Sends a CALL; a CALLERROR is raised."""
        return await self.call(request, suppress=False)

    async def boot(self) -> Any:
        conf = await self.ask(
            call.BootNotification(charge_point_vendor="PyPI", charge_point_model="ocpp", firmware_version="2.1.0")
        )
        assert conf.status == RegistrationStatus.accepted
        return conf

    async def status(self, status: ChargePointStatus, connector: int = 1) -> None:
        await self.ask(
            call.StatusNotification(
                connector_id=connector,
                error_code=ChargePointErrorCode.no_error,
                status=status,
                timestamp=timestamp(),
            )
        )

    async def start_transaction(
        self, id_tag: str, *, connector: int = 1, meter_start: int = 1000, time: str | None = None
    ) -> Any:
        return await self.ask(
            call.StartTransaction(
                connector_id=connector, id_tag=id_tag, meter_start=meter_start, timestamp=time or timestamp()
            )
        )

    async def meter_values(self, transaction_id: int, energy_wh: int, *, connector: int = 1, power: int = 7000) -> None:
        await self.ask(
            call.MeterValues(
                connector_id=connector,
                transaction_id=transaction_id,
                meter_value=[
                    {
                        "timestamp": timestamp(),
                        "sampledValue": [
                            {"value": str(energy_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
                            {"value": str(power), "measurand": "Power.Active.Import", "unit": "W"},
                            {"value": "42", "measurand": "SoC", "unit": "Percent", "location": "EV"},
                        ],
                    }
                ],
            )
        )

    async def stop_transaction(
        self,
        transaction_id: int,
        meter_stop: int,
        *,
        reason: str | None = None,
        id_tag: str | None = None,
        time: str | None = None,
    ) -> Any:
        return await self.ask(
            call.StopTransaction(
                transaction_id=transaction_id,
                meter_stop=meter_stop,
                timestamp=time or timestamp(),
                reason=reason,
                id_tag=id_tag,
            )
        )

    # --- what it answers

    @on(Action.remote_start_transaction)
    def _remote_start(self, **fields: Any) -> Any:
        return call_result.RemoteStartTransaction(
            **self._take("RemoteStartTransaction", fields, {"status": "Accepted"})
        )

    @on(Action.remote_stop_transaction)
    def _remote_stop(self, **fields: Any) -> Any:
        return call_result.RemoteStopTransaction(**self._take("RemoteStopTransaction", fields, {"status": "Accepted"}))

    @on(Action.reset)
    def _reset(self, **fields: Any) -> Any:
        return call_result.Reset(**self._take("Reset", fields, {"status": "Accepted"}))

    @on(Action.unlock_connector)
    def _unlock(self, **fields: Any) -> Any:
        return call_result.UnlockConnector(**self._take("UnlockConnector", fields, {"status": "Unlocked"}))

    @on(Action.change_availability)
    def _change_availability(self, **fields: Any) -> Any:
        return call_result.ChangeAvailability(**self._take("ChangeAvailability", fields, {"status": "Accepted"}))

    @on(Action.get_configuration)
    def _get_configuration(self, **fields: Any) -> Any:
        usual = {"configuration_key": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]}
        return call_result.GetConfiguration(**self._take("GetConfiguration", fields, usual))

    @on(Action.change_configuration)
    def _change_configuration(self, **fields: Any) -> Any:
        return call_result.ChangeConfiguration(**self._take("ChangeConfiguration", fields, {"status": "Accepted"}))

    @on(Action.clear_cache)
    def _clear_cache(self, **fields: Any) -> Any:
        return call_result.ClearCache(**self._take("ClearCache", fields, {"status": "Accepted"}))

    @on(Action.data_transfer)
    def _data_transfer(self, **fields: Any) -> Any:
        return call_result.DataTransfer(**self._take("DataTransfer", fields, {"status": "Accepted"}))

    @on(Action.reserve_now)
    def _reserve_now(self, **fields: Any) -> Any:
        return call_result.ReserveNow(**self._take("ReserveNow", fields, {"status": "Accepted"}))

    @on(Action.cancel_reservation)
    def _cancel_reservation(self, **fields: Any) -> Any:
        return call_result.CancelReservation(**self._take("CancelReservation", fields, {"status": "Accepted"}))

    @on(Action.get_local_list_version)
    def _get_local_list_version(self, **fields: Any) -> Any:
        return call_result.GetLocalListVersion(**self._take("GetLocalListVersion", fields, {"list_version": 0}))

    @on(Action.send_local_list)
    def _send_local_list(self, **fields: Any) -> Any:
        return call_result.SendLocalList(**self._take("SendLocalList", fields, {"status": "Accepted"}))

    @on(Action.trigger_message)
    def _trigger_message(self, **fields: Any) -> Any:
        return call_result.TriggerMessage(**self._take("TriggerMessage", fields, {"status": "Accepted"}))
