"""Core: the answers to the nine CALLs that every charge point knows, and its configuration keys (C 9.1)."""

from typing import TYPE_CHECKING

from csmsctl.simulator.configuration import (
    MAX_KEYS,
    MAX_LIST,
    Key,
    boolean_configuration,
    integer_configuration,
    measurands_configuration,
    phase_rotations_configuration,
)
from csmsctl.simulator.profiles.profile import Profile, Trigger, profile_answers
from csmsctl.simulator.transaction import MOST_TRANSACTION_DATA
from csmsd.ocpp.types import IdTagInfo
from csmsd.profiles.core.change_availability import ChangeAvailabilityConf, ChangeAvailabilityReq
from csmsd.profiles.core.change_configuration import ChangeConfigurationConf, ChangeConfigurationReq
from csmsd.profiles.core.clear_cache import ClearCacheConf, ClearCacheReq
from csmsd.profiles.core.data_transfer import DataTransferConf, DataTransferReq
from csmsd.profiles.core.get_configuration import GetConfigurationConf, GetConfigurationReq
from csmsd.profiles.core.remote_start_transaction import RemoteStartTransactionConf, RemoteStartTransactionReq
from csmsd.profiles.core.remote_stop_transaction import RemoteStopTransactionConf, RemoteStopTransactionReq
from csmsd.profiles.core.reset import ResetConf, ResetReq
from csmsd.profiles.core.unlock_connector import UnlockConnectorConf, UnlockConnectorReq

if TYPE_CHECKING:
    from csmsctl.simulator.connector import Connector

VENDOR_ID = "org.example.csms"
DAY = 24 * 3600 * 1000

_SAMPLED = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"


def _secret_of_core_profile(value: str) -> bool:
    """A password of Basic authentication (J 6.2): 16 to 20 bytes, or those as hexadecimal digits."""
    return 16 <= len(value) <= 40 and value.isascii() and value.isprintable()


class Core(Profile):
    """What every charge point must do."""

    name = "Core"
    keys = (
        Key("AllowOfflineTxForUnknownId", "false", boolean_configuration),
        Key("AuthorizationCacheEnabled", "true", boolean_configuration),
        Key("AuthorizationKey", "", _secret_of_core_profile, write_only=True),
        Key("AuthorizeRemoteTxRequests", "false", boolean_configuration),
        Key("ClockAlignedDataInterval", "0", integer_configuration(0, 86_400)),
        Key("ConnectionTimeOut", "60", integer_configuration(1)),
        Key("ConnectorPhaseRotation", "0.RST,1.RST,2.RST", phase_rotations_configuration),
        Key("ConnectorPhaseRotationMaxLength", str(MAX_LIST)),
        Key("GetConfigurationMaxKeys", str(MAX_KEYS)),
        Key("HeartbeatInterval", "300", integer_configuration(1)),
        Key("LocalAuthorizeOffline", "true", boolean_configuration),
        Key("LocalPreAuthorize", "false", boolean_configuration),
        Key("MessageTimeout", "30", integer_configuration(1, 600)),  # CE 3.82
        Key("MeterValuesAlignedData", "Energy.Active.Import.Register", measurands_configuration),
        Key("MeterValuesAlignedDataMaxLength", str(MAX_LIST)),
        Key("MeterValuesSampledData", _SAMPLED, measurands_configuration),
        Key("MeterValuesSampledDataMaxLength", str(MAX_LIST)),
        Key("MeterValueSampleInterval", "60", integer_configuration(0, 86_400)),
        Key("NumberOfConnectors", "0"),
        Key("ResetRetries", "1", integer_configuration(0, 10)),
        Key("StopTransactionMaxMeterValues", str(MOST_TRANSACTION_DATA)),  # CE 3.89
        Key("StopTransactionOnEVSideDisconnect", "true", boolean_configuration),
        Key("StopTransactionOnInvalidId", "true", boolean_configuration),
        Key("StopTxnAlignedData", "", measurands_configuration),
        Key("StopTxnAlignedDataMaxLength", str(MAX_LIST)),
        Key("StopTxnSampledData", "Energy.Active.Import.Register", measurands_configuration),
        Key("StopTxnSampledDataMaxLength", str(MAX_LIST)),
        Key("SupportedFeatureProfiles", ""),
        Key("TransactionMessageAttempts", "5", integer_configuration(1, 100)),
        Key("TransactionMessageRetryInterval", "10", integer_configuration(0, 3600)),
        Key("UnlockConnectorOnEVSideDisconnect", "true", boolean_configuration),
        Key("WebSocketPingInterval", "30", integer_configuration(0, 3600)),
        # The vendor's own: the rating of the connectors in W, read when the charge point starts.
        Key("ConnectorMaxPower", "22000", integer_configuration(1000, 350_000), reboot_required=True),
    )

    def prepare(self) -> None:
        charge_point = self.charge_point
        configuration = charge_point.configuration
        configuration.put("NumberOfConnectors", str(len(charge_point.connectors) - 1))
        named = [profile.name for profile in charge_point.profiles if profile.name]
        configuration.put("SupportedFeatureProfiles", ",".join(named))
        for connector in charge_point.connectors.values():
            connector.meter.rating_w = configuration.integer("ConnectorMaxPower")
        if self._configuration_changed not in configuration.changed:
            configuration.changed.append(self._configuration_changed)
        self._schedule_clock_aligned()

    def _configuration_changed(self, name: str) -> None:
        """What must happen at once when a key gets a new value."""
        charge_point = self.charge_point
        if name == "HeartbeatInterval":
            charge_point.schedule_heartbeat()
        elif name == "MeterValueSampleInterval":
            for connector in self._connectors():
                connector.schedule_sample()
        elif name == "ClockAlignedDataInterval":
            self._schedule_clock_aligned()
        elif name == "AuthorizationKey":
            charge_point.password = charge_point.configuration.text(name)
            charge_point.reconnect()

    def _connectors(self) -> list["Connector"]:
        """The connectors to which cables belong."""
        return [connector for number, connector in self.charge_point.connectors.items() if number > 0]

    # --- clock-aligned meter values (C 9.1.5)

    def _schedule_clock_aligned(self) -> None:
        charge_point = self.charge_point
        interval = charge_point.configuration.integer("ClockAlignedDataInterval") * 1000
        if interval == 0:
            charge_point.timers.cancel("clock aligned")
            return
        since_midnight = charge_point.clock % DAY
        wait = min(interval - since_midnight % interval, DAY - since_midnight)
        charge_point.timers.at("clock aligned", charge_point.now + wait, self._clock_aligned)

    def _clock_aligned(self) -> None:
        for connector in self._connectors():
            connector.send_meter_values("MeterValuesAlignedData", "StopTxnAlignedData", "Sample.Clock")
        self._schedule_clock_aligned()

    # --- transactions

    @profile_answers(RemoteStartTransactionReq)
    def remote_start_transaction(self, request: RemoteStartTransactionReq) -> RemoteStartTransactionConf:
        """C 5.11. Without a connector the first one that is free is taken, best where a car is plugged in."""
        charge_point = self.charge_point
        wanted = request.connector_id
        candidates = [
            connector
            for connector in self._connectors()
            if connector.startable and wanted in (None, connector.number) and connector.admits(request.id_tag)
        ]
        # C 4.2: no remote start while Pending.
        if charge_point.registration != "Accepted" or charge_point.resetting is not None or not candidates:
            return RemoteStartTransactionConf(status="Rejected")
        charging_profile = request.charging_profile
        if charging_profile is not None and not all(known.takes(charging_profile) for known in charge_point.profiles):
            return RemoteStartTransactionConf(status="Rejected")
        connector = max(candidates, key=lambda candidate: candidate.plugged)
        id_tag = request.id_tag
        if charge_point.configuration.boolean("AuthorizeRemoteTxRequests"):
            charge_point.authorization.ask(id_tag, lambda info: connector.authorized(id_tag, info, charging_profile))
        else:
            connector.authorized(id_tag, IdTagInfo(status="Accepted"), charging_profile)
        return RemoteStartTransactionConf(status="Accepted")

    @profile_answers(RemoteStopTransactionReq)
    def remote_stop_transaction(self, request: RemoteStopTransactionReq) -> RemoteStopTransactionConf:
        """C 5.12"""
        for connector in self._connectors():
            transaction = connector.transaction
            if transaction is not None and transaction.id == request.transaction_id:
                connector.stop("Remote")
                return RemoteStopTransactionConf(status="Accepted")
        return RemoteStopTransactionConf(status="Rejected")

    @profile_answers(UnlockConnectorReq)
    def unlock_connector(self, request: UnlockConnectorReq) -> UnlockConnectorConf:
        """C 5.18; CE 3.85: NotSupported for a connector that is not there."""
        connector = self.charge_point.connectors.get(request.connector_id)
        if connector is None or connector.number == 0:
            return UnlockConnectorConf(status="NotSupported")
        connector.stop("UnlockCommand")
        if connector.error == "ConnectorLockFailure":
            return UnlockConnectorConf(status="UnlockFailed")
        return UnlockConnectorConf(status="Unlocked")

    @profile_answers(ChangeAvailabilityReq)
    def change_availability(self, request: ChangeAvailabilityReq) -> ChangeAvailabilityConf:
        """C 5.2; connector 0 is the charge point and all its connectors."""
        connectors = self.charge_point.connectors
        if request.connector_id not in connectors:
            return ChangeAvailabilityConf(status="Rejected")
        operative = request.type == "Operative"
        chosen = list(connectors.values()) if request.connector_id == 0 else [connectors[request.connector_id]]
        scheduled = False
        for connector in chosen:
            if connector.transaction is None or connector.operative == operative:
                connector.set_operative(operative)
            else:
                connector.scheduled = operative
                scheduled = True
        return ChangeAvailabilityConf(status="Scheduled" if scheduled else "Accepted")

    # --- the charge point itself

    @profile_answers(ResetReq)
    def reset(self, request: ResetReq) -> ResetConf:
        """C 5.14"""
        return ResetConf(status="Accepted" if self.charge_point.reset(request.type == "Hard") else "Rejected")

    @profile_answers(GetConfigurationReq)
    def get_configuration(self, request: GetConfigurationReq) -> GetConfigurationConf:
        """C 5.8"""
        return self.charge_point.configuration.report(request.key)

    @profile_answers(ChangeConfigurationReq)
    def change_configuration(self, request: ChangeConfigurationReq) -> ChangeConfigurationConf:
        """C 5.3"""
        return ChangeConfigurationConf(status=self.charge_point.configuration.change(request.key, request.value))

    @profile_answers(ClearCacheReq)
    def clear_cache(self, request: ClearCacheReq) -> ClearCacheConf:
        """C 5.4"""
        return ClearCacheConf(status="Accepted" if self.charge_point.authorization.clear_cache() else "Rejected")

    @profile_answers(DataTransferReq)
    def data_transfer(self, request: DataTransferReq) -> DataTransferConf:
        """C 5.6: of its own vendor's messages it knows one, which returns what it is given."""
        if request.vendor_id != VENDOR_ID:
            return DataTransferConf(status="UnknownVendorId")
        if request.message_id not in (None, "Echo"):
            return DataTransferConf(status="UnknownMessageId")
        return DataTransferConf(status="Accepted", data=request.data)

    # --- what TriggerMessage may ask for (C 5.17)

    def triggers(self) -> dict[str, Trigger]:
        return {
            "BootNotification": lambda _: self.charge_point.boot_now(),
            "Heartbeat": lambda _: self.charge_point.heartbeat(),
            "StatusNotification": self._trigger_status,
            "MeterValues": self._trigger_meter_values,
        }

    def _trigger_status(self, wanted: int | None) -> None:
        for connector in self.charge_point.connectors.values():
            if wanted in (None, connector.number):
                self.charge_point.call(connector.status_notification())

    def _trigger_meter_values(self, wanted: int | None) -> None:
        for connector in self._connectors():
            request = connector.meter_values("MeterValuesSampledData", "Trigger")
            if request is not None and wanted in (None, connector.number):
                self.charge_point.call(request)
