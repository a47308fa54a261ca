"""Opens the listener for monitoring if the settings name one; neither library is imported before."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from csmsd.metrics.figures import Figures
from csmsd.settings.sections import Metrics
from csmsd.settings.setting import parse_address_setting

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_metrics_listener(settings: Metrics, figures: Figures) -> AsyncIterator[str | None]:
    """Where it is; None when none is wanted. Raises OSError."""
    if settings.listen is None:
        yield None
        return
    from csmsd.metrics.listener import MetricsListener

    host, port = parse_address_setting(settings.listen)
    listener = MetricsListener(figures, settings)
    try:
        port = await listener.open(host, port)
        base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        log.info("metrics at %s/metrics", base)
        yield base
    finally:
        await listener.close()
