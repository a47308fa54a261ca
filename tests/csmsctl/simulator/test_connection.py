"""Simulated charge points on real sockets, against a Central System written with the PyPI package `ocpp`."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from ocpp.v16 import call

from csmsctl.simulator import charge_point
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.connection import Connection, simulator_clock
from csmsctl.simulator.driver import ObligingDrivers
from csmsctl.simulator.notice import Notice
from tests.csmsctl.simulator.ocpp_server import OcppServer, ocpp_server
from tests.support.ports import free_port


@asynccontextmanager
async def running(server: OcppServer, *, password: str | None = None, **settings: str) -> AsyncIterator[Connection]:
    point = ChargePoint(
        "SIM-1",
        now=simulator_clock(),
        seed=1,
        speed=60,
        password=password,
        settings={"MeterValueSampleInterval": "1"} | settings,
    )
    ObligingDrivers(point, seconds_to_plug=0.05, seconds_to_unplug=0.05)
    connection = Connection(point, server.url, lambda _: None, first_back_off=0.05)
    task = asyncio.create_task(connection.run())
    try:
        yield connection
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_remote_start_to_remote_stop() -> None:
    async with ocpp_server() as server, running(server):
        await server.seen("StatusNotification", connectorId=2, status="Available")
        remote = server.remotes["SIM-1"]
        answer = await remote.call(call.RemoteStartTransaction(id_tag="TAG", connector_id=1))
        assert answer.status == "Accepted"
        await server.seen("StartTransaction", idTag="TAG", connectorId=1)
        await server.seen("MeterValues", transactionId=1, number=2)
        answer = await remote.call(call.RemoteStopTransaction(transaction_id=1))
        assert answer.status == "Accepted"
        stop = await server.seen("StopTransaction", transactionId=1)
        start = await server.seen("StartTransaction")
        assert stop["meterStop"] > start["meterStart"]
        await server.seen("StatusNotification", connectorId=1, status="Available", number=2)
        statuses = [
            payload["status"]
            for _, action, payload in server.calls
            if action == "StatusNotification" and payload["connectorId"] == 1
        ]
        assert statuses == ["Available", "Preparing", "Charging", "Finishing", "Available"]


async def test_every_command_is_answered_as_the_schemas_have_it() -> None:
    async with ocpp_server() as server, running(server):
        await server.seen("StatusNotification", connectorId=2)
        remote = server.remotes["SIM-1"]
        for request in (
            call.GetConfiguration(),
            call.GetConfiguration(key=["HeartbeatInterval", "Nonsense"]),
            call.ChangeConfiguration(key="HeartbeatInterval", value="60"),
            call.ClearCache(),
            call.DataTransfer(vendor_id="org.example.csms", message_id="Echo", data="x"),
            call.UnlockConnector(connector_id=1),
            call.ChangeAvailability(connector_id=0, type="Inoperative"),
            call.ChangeAvailability(connector_id=0, type="Operative"),
            call.TriggerMessage(requested_message="BootNotification"),
            call.TriggerMessage(requested_message="Heartbeat"),
            call.TriggerMessage(requested_message="StatusNotification"),
            call.TriggerMessage(requested_message="MeterValues"),
            call.TriggerMessage(requested_message="FirmwareStatusNotification"),
            call.RemoteStopTransaction(transaction_id=99),
            call.RemoteStartTransaction(id_tag="TAG", connector_id=9),
        ):
            assert await remote.call(request) is not None, request
        await server.seen("Heartbeat")
        await server.seen("MeterValues")


async def test_a_dropped_link_comes_back_without_a_boot() -> None:
    async with ocpp_server() as server, running(server):
        await server.seen("StatusNotification", connectorId=2)
        remote = server.remotes["SIM-1"]
        await remote.call(call.RemoteStartTransaction(id_tag="TAG", connector_id=1))
        await server.seen("MeterValues", transactionId=1)
        server.websockets["SIM-1"].transport.abort()
        await server.connected(2)
        actions = [action for _, action, _ in server.calls]
        await server.seen("MeterValues", transactionId=1, number=actions.count("MeterValues") + 2)
        assert [action for _, action, _ in server.calls].count("BootNotification") == 1


async def test_offline_in_a_transaction_and_back_with_the_backlog() -> None:
    async with ocpp_server() as server, running(server) as connection:
        point = connection.charge_point
        gone = asyncio.Event()
        point.watchers.append(lambda notice: gone.set() if notice.event == "disconnected" else None)
        await server.seen("StatusNotification", connectorId=2)
        connection.act(point.connectors[1].plug)
        connection.act(lambda: point.connectors[1].present("TAG"))
        await server.seen("MeterValues", transactionId=1)
        connection.act(point.go_offline)
        await gone.wait()
        connection.act(lambda: point.connectors[1].present("TAG"))
        connection.act(point.connectors[1].unplug)
        sent = len(server.calls)
        connection.act(point.go_online)
        await server.seen("StopTransaction", transactionId=1, reason="Local")
        await server.seen("StatusNotification", connectorId=1, status="Available", number=2)
        backlog = [action for _, action, _ in server.calls[sent:]]
        assert backlog[-2:] == ["StopTransaction", "StatusNotification"]
        assert "BootNotification" not in backlog


async def test_reset_closes_properly_and_boots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charge_point, "SECONDS_TO_BOOT", 0)
    async with ocpp_server() as server, running(server):
        await server.seen("StatusNotification", connectorId=2)
        first = server.websockets["SIM-1"]
        assert (await server.remotes["SIM-1"].call(call.Reset(type="Hard"))).status == "Accepted"
        await server.seen("BootNotification", number=2)
        assert first.close_code == 1000


async def test_a_new_password_is_used_for_a_new_connection() -> None:
    async with ocpp_server() as server, running(server, password="old password 1234"):
        await server.seen("StatusNotification", connectorId=2)
        request = call.ChangeConfiguration(key="AuthorizationKey", value="new password 1234")
        assert (await server.remotes["SIM-1"].call(request)).status == "Accepted"
        await server.connected(2)
        pairs = [base64.b64decode((given or "").removeprefix("Basic ")).decode() for given in server.credentials]
        assert pairs == ["SIM-1:old password 1234", "SIM-1:new password 1234"]


async def test_a_central_system_that_is_not_there_yet() -> None:
    problems: list[Notice] = []
    enough = asyncio.Event()

    def report(notice: Notice) -> None:
        problems.append(notice)
        if len(problems) == 2:
            enough.set()

    url = f"ws://127.0.0.1:{free_port()}/ocpp"
    connection = Connection(ChargePoint("SIM-1", now=simulator_clock()), url, report, first_back_off=0.05)
    task = asyncio.create_task(connection.run())
    await enough.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [notice.event for notice in problems] == ["reconnects"] * 2
    assert "refused" in str(problems[0].details["problem"]).lower() or "Connect call failed" in str(problems[0].details)
