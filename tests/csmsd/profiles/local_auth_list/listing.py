"""A scene whose charge point keeps a local list as the specification says; operations run against it."""

import json
from collections.abc import Generator
from typing import Any

from csmsd.ocpp.payloads import encode_payload
from csmsd.ocpp.types import Message
from csmsd.profiles import outgoing
from csmsd.profiles.action import action_of
from csmsd.profiles.core.get_configuration import GetConfigurationConf, KeyValue
from csmsd.profiles.local_auth_list.entries import Entries, entries_after_update
from csmsd.profiles.local_auth_list.get_local_list_version import GetLocalListVersionConf
from csmsd.profiles.local_auth_list.local_lists import LocalList
from csmsd.profiles.local_auth_list.send_local_list import SendLocalListConf, SendLocalListReq
from csmsd.profiles.policies import Policies
from tests.csmsd.profiles.messages import against_schema
from tests.csmsd.profiles.scene import Scene


class Listing(Scene):
    """`version` and `content` are the charge point's own; `answers` overrides its next answers to SendLocalList."""

    def __init__(self, policies: Policies | None = None) -> None:
        super().__init__(policies)
        self.version = 0
        self.content: Entries = {}
        self.limits: dict[str, str] = {}
        self.answers: list[str | None] = []  # None: it is carried out, and the answer is lost
        self.sent: list[SendLocalListReq] = []
        self.actions: list[str] = []

    @property
    def known(self) -> LocalList:
        return self.site.local_lists.get("CP1")

    @property
    def sizes(self) -> list[tuple[str, int, int]]:
        """(type, version, entries) of every SendLocalList.req."""
        return [
            (request.update_type, request.list_version, len(request.local_authorization_list or []))
            for request in self.sent
        ]

    def run(self, steps: Generator[Message, Any, None]) -> None:
        """Has the steps carried out, as the runner does."""
        confirmation: Message | None = None
        while True:
            try:
                request = steps.send(confirmation)
            except StopIteration:
                return
            declared = outgoing()[action_of(type(request))]
            self.actions.append(declared.action)
            if declared.check is not None:
                assert declared.check(request, self.target()) is None
            if declared.intend is not None:
                self.keep(*declared.intend(request, self.target()))
            confirmation = self._answer(request)
            if confirmation is None:
                assert declared.unconfirmed is not None
                self.keep(*declared.unconfirmed(request, "timeout", self.target()))
                return
            assert declared.settle is not None
            self.keep(*declared.settle(request, confirmation, self.target()))

    def _answer(self, request: Message) -> Message | None:
        if not isinstance(request, SendLocalListReq):
            if action_of(type(request)) == "GetConfiguration":
                keys = [KeyValue(key=name, readonly=True, value=value) for name, value in self.limits.items()]
                return GetConfigurationConf(configuration_key=keys)
            return GetLocalListVersionConf(list_version=self.version)
        assert against_schema(SendLocalListReq, json.loads(encode_payload(request))) is None
        self.sent.append(request)
        answer = self.answers.pop(0) if self.answers else "Accepted"
        if answer == "Accepted" and not request.update.full and request.list_version <= self.version:
            answer = "VersionMismatch"  # C 7.47
        if answer in ("Accepted", None):
            self.version, self.content = request.list_version, entries_after_update(self.content, request.update)
        return None if answer is None else SendLocalListConf(status=answer)  # type: ignore[arg-type]
