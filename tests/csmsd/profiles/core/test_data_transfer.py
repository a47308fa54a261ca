"""DataTransfer (C 4.3, 5.6; TC_064)."""

from typing import Any

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.profiles.core.data_transfer import DataTransfer, DataTransferConf, DataTransferReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


@pytest.mark.parametrize(
    ("message_type", "payload"),
    [
        (DataTransferReq, {"vendorId": "com.example"}),
        (DataTransferReq, {"vendorId": "v" * 255, "messageId": "m" * 50, "data": "d" * 10_000}),
        *((DataTransferConf, {"status": status}) for status in ("Accepted", "Rejected", "UnknownMessageId")),
        (DataTransferConf, {"status": "UnknownVendorId", "data": '{"a":1}'}),
    ],
)
def test_valid(message_type: Any, payload: dict[str, Any]) -> None:
    assert_valid(message_type, payload)


@pytest.mark.parametrize(
    "payload",
    [
        {"vendorId": "com.example"},
        {"vendorId": "", "messageId": "Hello", "data": "World"},
        {"vendorId": "com.example", "data": {"not": "text"}},
        {"vendorId": 7},
    ],
)
def test_every_vendor_is_unknown(payload: object) -> None:
    answer = Scene().send("DataTransfer", payload)

    assert (answer.payload, answer.changes) == ({"status": "UnknownVendorId"}, [])


def test_without_a_vendor_it_is_refused() -> None:
    with pytest.raises(OcppError, match="OccurenceConstraintViolation: vendorId"):
        Scene().send("DataTransfer", {"data": "x"})


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        (DataTransfer(vendor="com.example"), {"vendorId": "com.example"}),
        (DataTransfer(vendor="com.example", message_id="Hello", data="World"),
         {"vendorId": "com.example", "messageId": "Hello", "data": "World"}),
    ],
)  # fmt: skip
def test_the_operation(operation: DataTransfer, payload: dict[str, str]) -> None:
    assert Scene().asks(operation) == [payload]
