"""A StartTransaction as it should be."""

from typing import Any

START: dict[str, Any] = {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00.000Z"}
