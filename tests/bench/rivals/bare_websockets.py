"""The least that a WebSocket server in Python does: parses the JSON, answers a constant, stores nothing.

    python -m tests.bench.rivals.bare_websockets PORT

Nothing that does more on the same library can be much faster than this.
"""

import asyncio
import json
import sys
from contextlib import suppress
from itertools import count
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

_ACCEPTED = {"status": "Accepted"}
_ANSWERS: dict[str, dict[str, Any]] = {
    "BootNotification": {"status": "Accepted", "currentTime": "2026-01-01T00:00:00.000Z", "interval": 300},
    "Heartbeat": {"currentTime": "2026-01-01T00:00:00.000Z"},
    "Authorize": {"idTagInfo": _ACCEPTED},
    "StopTransaction": {"idTagInfo": _ACCEPTED},
    "StatusNotification": {},
    "MeterValues": {},
}


async def main() -> None:
    transaction_ids = count(1)

    async def talk(websocket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in websocket:
                _, unique_id, action, _ = json.loads(text)
                if action == "StartTransaction":
                    answer = {"transactionId": next(transaction_ids), "idTagInfo": _ACCEPTED}
                else:
                    answer = _ANSWERS[action]
                await websocket.send(json.dumps([3, unique_id, answer]))

    async with serve(talk, "127.0.0.1", int(sys.argv[1]), subprotocols=[Subprotocol("ocpp1.6")], compression=None):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
