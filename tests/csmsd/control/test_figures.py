"""The site in a few numbers: what `daemon.figures` says is what `status` adds up to."""

from tests.support.site import Site


async def test_figures_are_those_of_status(site: Site) -> None:
    await site.call("tag.add", id="A1")
    await site.register("CP2")
    charge_point = await site.charge_point("CP1")
    transaction = await charge_point.start_transaction("A1")
    await charge_point.meter_values(transaction.transaction_id, 100, power=7400)

    figures = await site.call("daemon.figures")
    status = await site.call("status")

    connectors = [connector for one in status["charge_points"] for connector in one["connectors"]]
    assert figures["power_w"] == sum(connector["power_w"] or 0 for connector in connectors) == 7400
    problems = [*status["daemon"]["problems"], *(p for one in status["charge_points"] for p in one["problems"])]
    assert figures["problems"] == len(problems) > 0
    for key in (
        "version",
        "connected",
        "charge_points",
        "active_transactions",
        "open_tasks",
        "queued_commands",
        "store",
    ):
        assert figures[key] == status["daemon"][key], key
    assert figures["started_at"] == (await site.call("daemon.info"))["started_at"]
