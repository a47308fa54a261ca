"""Transactions as they are booked."""

from typing import Any

from csmsd.profiles.core.transactions import Transaction
from tests.csmsd.profiles.scene import NOON


def transaction(number: int, **fields: Any) -> Transaction:
    return Transaction(
        **{
            "id": number, "charge_point": "CP1", "connector": 1, "id_tag": "TAG1", "id_tag_status": "Accepted",
            "start_time": NOON + number, "start_text": f"start {number}", "start_received_at": NOON + number,
            "meter_start_wh": 1000, "reply": "{}", **fields,
        }
    )  # fmt: skip
