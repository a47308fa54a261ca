"""Long hostile texts in fields of real messages: answered once, and operators can look at all that is kept of them."""

import json
import random

from tests.support.site import Site
from tests.torture.hostile_texts import hostile_texts, messages_of, value_of
from tests.torture.report import Campaign

STOP = {"transactionId": 4711, "meterStop": 1, "timestamp": "2026-03-01T12:00:00.000Z"}


async def test_every_field_is_answered_once_and_nobody_waits() -> None:
    campaign = Campaign(random.Random())
    await hostile_texts(campaign, shapes=["escape sequences"], length=100_000)
    assert campaign.faults["hostile texts"] > 40
    assert (campaign.lost, campaign.doubled, campaign.broken) == ([], [], [])


def test_there_is_a_message_for_each_field() -> None:
    fields = dict(messages_of("StopTransaction"))
    assert set(fields) > {"idTag", "meterStop", "transactionData.0.sampledValue.0.value"}
    assert json.loads(fields["idTag"].replace('"@here@"', value_of("quotes")))["idTag"].strip('"') == ""


async def test_what_is_kept_of_them_can_be_listed_however_long_it_is(site: Site) -> None:
    """All in one answer were longer than a client may leave unread, so it was cut off."""
    charge_point = await site.raw("CP1")
    times = 10
    for number in range(times):
        data = {"meterStop": "x" * 1_000_000, "transactionId": 4711 + number}
        assert (await charge_point.ask("StopTransaction", {**STOP, **data}))[0] == 3
    for method, key in (("transaction.orphans", "orphans"), ("log.list", "messages")):
        answer = await site.call(method)
        assert 4 <= sum(len(json.dumps(one)) > 1_000_000 for one in answer[key]) < times, method
        assert answer["more"] is True
    orphans = (await site.json("tx", "orphans"))["orphans"]
    assert sorted(json.loads(orphan["payload"])["transactionId"] for orphan in orphans) == [
        4711 + number for number in range(times)
    ]
    messages = (await site.json("log", "--limit", "0"))["messages"]
    assert sum("StopTransaction" in message["text"] for message in messages) == times
    newest = (await site.json("log", "--limit", str(2 * times)))["messages"]
    assert newest == messages[-2 * times :]
    assert "more" not in await site.call("log.list", limit=2)
