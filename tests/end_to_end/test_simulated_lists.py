"""Reservations and local lists between csmsd and the simulated charge points: what csms believes is what they have."""

from tests.support.simulator import simulator
from tests.support.site import Site


async def test_a_reservation_from_dispatch_to_use(site: Site) -> None:
    await site.call(
        "tag.import", tags=[{"id": "A1", "parent": "FAMILY"}, {"id": "B2", "parent": "FAMILY"}, {"id": "C3"}]
    )
    await site.register("SIM-1")
    async with simulator(site, "SIM-1") as drivers:
        watcher = await site.watch()
        words = ("reserve-now", "SIM-1", "--tag", "A1", "--parent-tag", "FAMILY", "--expires", "+10m")
        assert (await site.csmsctl(*words, "--connector", "1")).code == 0
        while (await watcher.event("connector.status"))["data"]["status"] != "Reserved":
            pass
        assert (await site.csmsctl(*words, "--connector", "1")).code == 7
        assert (await site.json("reservation", "show", "2"))["reservations"][0]["reason"] == "Occupied"

        drivers.write(b"plug SIM-1 1\npresent SIM-1 1 C3\npresent SIM-1 1 B2\n")
        used = await watcher.event("reservation.used", "SIM-1")
        assert used["data"]["reservation"] == 1
        assert (await site.json("tx", "list"))["transactions"][0]["id_tag"] == "B2"

        # Any connector; then the charge point goes out of service.
        assert (await site.csmsctl(*words, "--connector", "0")).code == 0
        drivers.write(b"fault SIM-1 0 GroundFailure\n")
        assert (await watcher.event("reservation.failed"))["data"]["reason"] == "the charge point is Faulted"


async def test_a_list_through_its_life(site: Site) -> None:
    """150 idTags do not fit into one message of a simulated charge point."""
    await site.call("tag.import", tags=[{"id": f"TAG{number}"} for number in range(150)])
    for identity in ("SIM-1", "SIM-2"):
        await site.register(identity)
    async with simulator(site, "SIM-1", "SIM-2") as drivers:
        synchronized = (await site.json("local-list", "sync", "--all"))["results"]
        assert [(one["outcome"], one["update"], one["messages"], one["entries"]) for one in synchronized] == [
            ("accepted", "full", 2, 150)
        ] * 2
        await site.call("tag.remove", id="TAG7")
        await site.call("tag.set", id="TAG8", add_labels=["staff"])
        again = (await site.json("local-list", "sync", "--all"))["results"]
        assert [(one["update"], one["entries_sent"], one["version"]) for one in again] == [("differential", 2, 3)] * 2

        watcher = await site.watch("transaction.started", "transaction.stopped")
        offline = await site.watch("charge_point.disconnected")
        drivers.write(b"offline SIM-2\ncharge SIM-1 1 TAG9 600\n")
        await offline.event("charge_point.disconnected", "SIM-2")
        await watcher.event("transaction.started", "SIM-1")
        ended = await site.csmsctl("--json", "tag", "block", "TAG9", "--enforce", "--stop-transactions")
        assert ended.code == 9
        assert ended.json["trusting"] == [
            {"charge_point": "SIM-2", "connected": False, "because": ["local_list", "cache"]}
        ]
        assert (await watcher.event("transaction.stopped", "SIM-1"))["data"]["reason"] == "Remote"
        shown = (await site.json("local-list", "show", "SIM-1"))["local_lists"][0]["content"]
        assert next(entry for entry in shown if entry["id_tag"] == "TAG9")["status"] == "Blocked"
        states = {one["charge_point"]: one["state"] for one in (await site.json("local-list", "status"))["local_lists"]}
        assert states == {"SIM-1": "in_sync", "SIM-2": "drifted"}
