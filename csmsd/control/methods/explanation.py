"""Why a transaction came to what it is: its story, from all that is kept."""

from csmsd.control.explanation.gathering import gather
from csmsd.control.explanation.story import Story
from csmsd.control.log_book import LogBook
from csmsd.control.methods.transactions import Number, known_transaction
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, Table
from csmsd.control.service import Service
from csmsd.control.views import time_text, transaction_view


class Explanation(Service):
    """With the log."""

    log: LogBook


async def explain(service: Explanation, parameters: Number, caller: Caller) -> Json:
    transaction = await known_transaction(service, parameters.id)
    story = Story(await gather(service, service.log, transaction))
    return {
        "schema_version": SCHEMA_VERSION,
        "transaction": transaction_view(service.site, transaction, service.now()),
        "story": [
            {"time": time_text(entry.time), "kind": entry.kind, "text": entry.text, "source": entry.source}
            for entry in story.entries
        ],
        "conclusion": story.conclusion,
        "missing": story.missing,
    }


METHODS: Table[Explanation] = {"transaction.explain": Method(Number, explain)}
