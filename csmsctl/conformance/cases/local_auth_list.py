"""Local Authorization List Management: its version, and sending it in full and in part."""

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.charge_point import ChargePoint
from csmsctl.conformance.conditions import POSITIVE, Payload

CASES = Cases("Local Authorization List Management")


async def _sees_list_in_case(run: Run, **expected: object) -> None:
    await run.operator.sees("local_lists", {"charge_point": run.name} | expected, "local-list", "status", run.name)


async def _list_version_in_case(run: Run, listed: int) -> None:
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point,
        *("get-local-list-version", run.name),
        action="GetLocalListVersion",
        request={},
        answer={"listVersion": listed},
    )


@CASES.case("TC_042_1", "Get Local List Version (not supported)")
async def list_version_not_supported_case(run: Run) -> None:
    await _list_version_in_case(run, -1)
    await _sees_list_in_case(run, state="unsupported", version=-1)


@CASES.case("TC_042_2", "Get Local List Version (empty)")
async def version_of_empty_list_case(run: Run) -> None:
    await _list_version_in_case(run, 0)
    await _sees_list_in_case(run, version=0, entries=0)


async def _send_list_in_case(
    run: Run, charge_point: ChargePoint, kind: str, *tags: str, status: str = "Accepted"
) -> Payload:
    """`send-local-list`; every entry must have an idTagInfo, and the version must be none that means something else."""
    options = [word for tag in tags for word in ("--tag", tag)]
    return await run.operator.sends(
        charge_point,
        *("send-local-list", run.name, "--type", kind.lower(), *options),
        action="SendLocalList",
        request={
            "listVersion": POSITIVE,
            "updateType": kind,
            "localAuthorizationList": [{"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in tags],
        },
        answer={"status": status},
        outcome="accepted" if status == "Accepted" else "rejected",
    )


@CASES.case("TC_043_1", "Send Local Authorization List - NotSupported")
async def list_not_supported_case(run: Run) -> None:
    await _send_list_in_case(run, await run.charge_point(), "Full", run.id_tag, status="NotSupported")
    await _sees_list_in_case(run, state="unsupported", under_way=False)


@CASES.case("TC_043_3", "Send Local Authorization List - Failed")
async def list_failed_case(run: Run) -> None:
    await _send_list_in_case(run, await run.charge_point(), "Full", run.id_tag, status="Failed")
    await _sees_list_in_case(run, version=None, under_way=False)


@CASES.case("TC_043_4", "Send Local Authorization List - Full")
async def full_list_case(run: Run) -> None:
    await run.prepare("tag.add", id=f"{run.name}-B")
    sent = await _send_list_in_case(run, await run.charge_point(), "Full", run.id_tag, f"{run.name}-B")
    await _sees_list_in_case(run, version=sent["listVersion"], entries=2, under_way=False)


@CASES.case("TC_043_5", "Send Local Authorization List - Differential")
async def differential_list_case(run: Run) -> None:
    await run.prepare("tag.add", id=f"{run.name}-B")
    charge_point = await run.charge_point()
    full = await _send_list_in_case(run, charge_point, "Full", run.id_tag)
    await run.operator.sends(
        charge_point,
        *("get-local-list-version", run.name),
        action="GetLocalListVersion",
        request={},
        answer={"listVersion": full["listVersion"]},
    )
    difference = await _send_list_in_case(run, charge_point, "Differential", f"{run.name}-B")
    await _sees_list_in_case(run, version=difference["listVersion"], entries=2, under_way=False)
    run.must_be(full["listVersion"] + 1, difference["listVersion"], "listVersion of the Differential update")
