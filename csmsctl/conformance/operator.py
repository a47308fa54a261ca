"""The operator: csmsctl as a process of its own, its exit code and its --json checked each time."""

import asyncio
from typing import Any

from csmsctl.conformance.charge_point import Asked, ChargePoint
from csmsctl.conformance.conditions import (
    Failed,
    Payload,
    conditions_unmet_by_record,
    differences_from_conditions,
    require_condition,
)
from csmsctl.conformance.private_csmsd import Ended, Site
from csmsctl.failure import OK, REJECTED
from csmsctl.link.client import Result
from csmsd.ocpp.secrets import masked_secrets

Exchange = tuple[str, Payload, Payload]  # the action of a CALL, what must be in it, and its answer


class Operator:
    """Types commands, and knows which tasks they must have left behind."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._results: list[Result] = []

    async def runs(self, *arguments: str, code: int = OK) -> Result:
        """A command that must end with this code; returns the document that it prints."""
        return _document_for_operator(await self._site.csmsctl("--json", *arguments), code)

    async def sends(
        self,
        charge_point: ChargePoint,
        *arguments: str,
        action: str,
        request: Payload,
        answer: Payload,
        outcome: str = "accepted",
    ) -> Payload:
        """A command that sends one CALL: as expected, and answered like this. Returns the payload of the CALL."""
        (asked,) = await self.sends_several(
            charge_point, *arguments, exchanges=[(action, request, answer)], outcome=outcome
        )
        return asked

    async def sends_several(
        self, charge_point: ChargePoint, *arguments: str, exchanges: list[Exchange], outcome: str = "accepted"
    ) -> list[Payload]:
        """A command that sends these CALLs, one after the other; the last has that outcome. Returns their payloads.

        csmsctl must print what was sent and what was answered, and end with 0 or 7.
        """
        running = asyncio.create_task(self._site.csmsctl("--json", *arguments))
        asked: list[Asked] = []
        try:
            for action, request, answer in exchanges:
                asked.append(await charge_point.expect(action, request, unless=running))
                await charge_point.answer(asked[-1], answer)
            ended = await running
        except Failed as failed:
            if running.done() and not running.cancelled():
                said = running.result()
                raise Failed(f"{failed} ({said.command_line} ended with {said.code}: {said.err.strip()})") from None
            raise
        finally:
            running.cancel()
            await asyncio.wait([running])  # its process has ended, too
        document = _document_for_operator(ended, OK if outcome == "accepted" else REJECTED)
        results = document.get("results")
        if not isinstance(results, list) or len(results) != len(exchanges):
            wanted = "one result" if len(exchanges) == 1 else f"{len(exchanges)} results"
            raise Failed(f"{ended.command_line} must print {wanted}, and printed {ended.out.strip()}")
        for number, (result, (action, _, answer)) in enumerate(zip(results, exchanges, strict=True), 1):
            expected = {
                "charge_point": charge_point.identity,
                "action": action,
                "outcome": outcome if number == len(exchanges) else "accepted",
                "status": answer.get("status"),
                "request": masked_secrets(asked[number - 1].payload),
                "response": answer,
            }
            if expected["outcome"] == "accepted":  # else csmsd may say why
                expected["error"] = None
            require_condition(conditions_unmet_by_record(expected, result), f"the result of {ended.command_line}")
            self._results.append(result)
        return [one.payload for one in asked]

    async def has_a_record(self) -> None:
        """Every command that was sent is in the task history, as it was told at once."""
        if not self._results:
            return
        identity = str(self._results[0]["charge_point"])
        document = await self.runs("task", "list", "--charge-point", identity)
        tasks = {task["id"]: task for task in _records_for_operator(document, "tasks")}
        for result in self._results:
            task = tasks.get(result["task"])
            if task is None:
                raise Failed(f"task {result['task']} ({result['action']}) is not in the history")
            same = ("charge_point", "action", "outcome", "status", "request", "response", "error")
            expected = {"state": "settled"} | {key: result[key] for key in same}
            require_condition(conditions_unmet_by_record(expected, task), f"task {task['id']} in the history")

    # --- what must be visible afterwards

    async def sees(self, key: str, expected: Payload, *arguments: str) -> Result:
        """A `show` whose record must have these fields; returns the record."""
        records = _records_for_operator(await self.runs(*arguments), key)
        if len(records) != 1:
            raise Failed(f"csmsctl {' '.join(arguments)} must show one record, and shows {len(records)}")
        require_condition(conditions_unmet_by_record(expected, records[0]), f"csmsctl {' '.join(arguments)}")
        return records[0]

    async def sees_transaction(self, transaction: int, **expected: Any) -> Result:
        """`tx show`."""
        return await self.sees("transactions", {"id": transaction} | expected, "tx", "show", str(transaction))

    async def sees_no_transaction(self, charge_point: ChargePoint) -> None:
        """`tx list` of a charge point is empty."""
        found = _records_for_operator(
            await self.runs("tx", "list", "--charge-point", charge_point.identity), "transactions"
        )
        require_condition(
            differences_from_conditions([], found), f"csmsctl tx list --charge-point {charge_point.identity}"
        )

    async def sees_connectors(self, charge_point: ChargePoint, *statuses: str, **expected: object) -> Result:
        """`status` shows the charge point with the statuses of connectors 0, 1, 2; returns its record."""
        wanted: Payload = {"id": charge_point.identity, "connected": True, "registration": "Accepted"} | expected
        record = await self.sees("charge_points", wanted, "status", charge_point.identity)
        found = {connector["connector"]: connector["status"] for connector in record["connectors"]}
        require_condition(
            differences_from_conditions(list(statuses), [found.get(number) for number in range(len(statuses))]),
            f"the connectors in csmsctl status {charge_point.identity}",
        )
        return record


def _document_for_operator(ended: Ended, code: int) -> Result:
    if "Traceback" in ended.err:
        raise Failed(f"{ended.command_line} broke off: {ended.err.strip()}")
    if ended.code != code:
        said = (ended.err or ended.out).strip()
        raise Failed(f"{ended.command_line} must end with {code}, and ended with {ended.code}: {said}")
    try:
        document = ended.json
    except ValueError:
        raise Failed(f"{ended.command_line} must print one JSON document, and printed {ended.out!r}") from None
    if document.get("schema_version") != 1:
        raise Failed(f"{ended.command_line} must print a document of schema_version 1, and printed {ended.out.strip()}")
    return document


def _records_for_operator(document: Result, key: str) -> list[Result]:
    records = document.get(key)
    if not isinstance(records, list):
        raise Failed(f"the document must have a list {key!r}")
    return [record for record in records if isinstance(record, dict)]
