"""What may be pruned, when, and what is refused."""

import pytest

from tests.support.site import Site


async def test_a_kind_without_a_time_in_the_settings_needs_days(shared_site: Site) -> None:
    assert (await shared_site.call("prune.plan"))["prune"] == []
    code, text = await shared_site.refused("prune.plan", kinds=["meter_values"])
    assert (code, "How long meter values are kept is not set." in text) == (2, True)
    (plan,) = (await shared_site.call("prune.plan", kinds=["tasks", "tasks"], days=3))["prune"]
    assert (plan["kind"], plan["rows"], plan["kept_unexported"]) == ("tasks", 0, 0)


@pytest.mark.parametrize("before", ["2200-01-01T00:00:00Z", "yesterday"])
async def test_nothing_is_pruned_before_a_time_that_is_none_or_not_over(shared_site: Site, before: str) -> None:
    code, text = await shared_site.refused("prune.run", kind="tasks", before=before)
    assert (code, "is no time in the past" in text) == (2, True)


async def test_what_was_removed_is_taken_down(shared_site: Site) -> None:
    assert await shared_site.call("prune.run", kind="tasks", before="2026-01-01T00:00:00Z") == {
        "removed": 0,
        "more": False,
    }
    finished = await shared_site.call("prune.finish", removed=17)
    assert (finished["more"], finished["database_bytes"] > 0) == (False, True)
    assert (await shared_site.call("daemon.info"))["books"]["prune"]["number"] == 17
