"""Local Auth List Management (C 3.5.2, 5.10, 5.15): a list of idTags that the charge point knows by itself."""

from csmsctl.simulator.configuration import Key, boolean_configuration
from csmsctl.simulator.profiles.profile import Profile, profile_answers
from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import IdTagInfo
from csmsd.profiles.local_auth_list.get_local_list_version import GetLocalListVersionConf, GetLocalListVersionReq
from csmsd.profiles.local_auth_list.send_local_list import SendLocalListConf, SendLocalListReq

MOST_ENTRIES = 1000
MOST_AT_ONCE = 100
EMPTY = 0


class LocalAuthList(Profile):
    """Keeps a list, through reboots too. It goes before the authorization cache (C 3.5.3)."""

    name = "LocalAuthListManagement"
    keys = (
        Key("LocalAuthListEnabled", "true", boolean_configuration),
        Key("LocalAuthListMaxLength", str(MOST_ENTRIES)),
        Key("SendLocalListMaxLength", str(MOST_AT_ONCE)),
    )

    def prepare(self) -> None:
        self._version: int = getattr(self, "_version", EMPTY)
        self._entries: dict[str, IdTagInfo] = getattr(self, "_entries", {})

    def listed(self, id_tag: str) -> IdTagInfo | None:
        """What the list says of an idTag."""
        if not self.charge_point.configuration.boolean("LocalAuthListEnabled"):
            return None
        return self._entries.get(fold(id_tag))

    @profile_answers(GetLocalListVersionReq)
    def get_local_list_version(self, request: GetLocalListVersionReq) -> GetLocalListVersionConf:
        """C 5.10: an empty list has version 0."""
        return GetLocalListVersionConf(list_version=self._version if self._entries else EMPTY)

    @profile_answers(SendLocalListReq)
    def send_local_list(self, request: SendLocalListReq) -> SendLocalListConf:
        """C 5.15: all of it or nothing."""
        configuration = self.charge_point.configuration
        full, sent = request.update_type == "Full", request.local_authorization_list or []
        if not configuration.boolean("LocalAuthListEnabled"):
            return SendLocalListConf(status="NotSupported")
        if not full and request.list_version <= self._version:
            return SendLocalListConf(status="VersionMismatch")
        entries = {} if full else dict(self._entries)
        for entry in sent:
            if entry.id_tag_info is not None:
                entries[fold(entry.id_tag)] = entry.id_tag_info
            else:
                entries.pop(fold(entry.id_tag), None)
        if (
            request.list_version <= EMPTY  # CE 3.52
            or len({fold(entry.id_tag) for entry in sent}) < len(sent)  # C 6.41
            or (full and any(entry.id_tag_info is None for entry in sent))  # C 7.1
            or len(sent) > configuration.integer("SendLocalListMaxLength")
            or len(entries) > configuration.integer("LocalAuthListMaxLength")
        ):
            return SendLocalListConf(status="Failed")
        self._version, self._entries = request.list_version, entries
        self.charge_point.tell("local_list", version=self._version, entries=len(entries))
        return SendLocalListConf(status="Accepted")
