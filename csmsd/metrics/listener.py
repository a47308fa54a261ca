"""The listener: `GET /metrics` for Prometheus, `GET /healthz` for whoever restarts or pages somebody."""

import asyncio
import logging
from contextlib import suppress
from time import monotonic

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from csmsd.metrics.collector import SiteCollector
from csmsd.metrics.energy import ENDS, EnergyCounter
from csmsd.metrics.figures import Figures
from csmsd.ports.store import NotStored
from csmsd.runtime.durations import Durations
from csmsd.runtime.gate import Gate, Guest, Place
from csmsd.settings.sections import Metrics

log = logging.getLogger(__name__)
# aiohttp tells of every malformed request with a traceback: strangers could fill the log.
_SILENT = logging.getLogger("csmsd.metrics.aiohttp")
_SILENT.setLevel(logging.CRITICAL)

MAX_CONNECTIONS = 32
MAX_CONNECTIONS_PER_ADDRESS = 8
REQUEST_SECONDS = 10.0  # from the connection to its end: each serves one request
_LAG_SECONDS = 0.5


class MetricsListener:
    """One listener; connections are few and short."""

    def __init__(self, figures: Figures, settings: Metrics) -> None:
        self._figures = figures
        self._energy = EnergyCounter(lambda: figures.live.site)
        self._lag = Durations()
        collector = SiteCollector(figures, self._energy, self._lag, settings)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        application = web.Application(middlewares=[_one_request])
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._health)
        application.on_response_prepare.append(_sign)
        self._runner = web.AppRunner(application, access_log=None, logger=_SILENT, handle_signals=False)
        # A new connection always gets in: where there are too many, the oldest goes, and none lasts long.
        self._gate = Gate(self._guest, MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, host: str, port: int) -> int:
        """Returns the port. Raises OSError."""
        await self._runner.setup()
        listening = await self._gate.listen(host, port)
        self._tasks = [
            asyncio.create_task(self._measure_lag(), name="event-loop lag"),
            asyncio.create_task(self._begin_with_late_ones(), name="energy counter"),
        ]
        self._figures.bus.subscribe(self._energy.told, ENDS)
        return int(listening[0].getsockname()[1])

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._gate.close()
        await self._runner.cleanup()

    # --- what is asked for

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _health(self, request: web.Request) -> web.Response:
        """200 while charge points can be served and what they send can be stored, 503 otherwise."""
        failure = self._figures.store.failure
        stopping = self._figures.stopping()
        state = "stopping" if stopping else "ok" if failure is None else "failing"
        answer = {"status": state, "version": self._figures.version, "store": failure or "ok"}
        return web.json_response(answer, status=200 if state == "ok" else 503)

    # --- limits

    def _guest(self, place: Place) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None
        protocol = server()
        asyncio.get_running_loop().call_later(REQUEST_SECONDS, _abort, protocol)
        return Guest(protocol, place)

    async def _begin_with_late_ones(self) -> None:
        measured = False
        while not measured:
            with suppress(NotStored):
                await self._figures.measured()
                measured = True
        self._energy.begin()

    async def _measure_lag(self) -> None:
        while True:
            begun = monotonic()
            await asyncio.sleep(_LAG_SECONDS)
            self._lag.add(max(0.0, monotonic() - begun - _LAG_SECONDS))


@web.middleware
async def _one_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        response = web.Response(status=refusal.status, text=refusal.reason + "\n")
    except Exception:
        log.exception("%s could not be answered", request.path)
        response = web.Response(status=500, text="This could not be answered.\n")
    response.force_close()
    return response


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "csmsd"  # versions are nobody's business


def _abort(protocol: web.RequestHandler) -> None:
    if protocol.transport is not None:
        protocol.transport.abort()
