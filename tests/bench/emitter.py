"""A program that writes the present time as a metric: what reads it knows how old it is."""

import time
from typing import Any

from workers.context import Context


def main(context: Context) -> dict[str, Any]:
    """settings: points, every_s, then burst more points at once."""
    settings = context.spec.settings
    for step in range(1, settings["points"] + 1):
        context.check()
        context.reporter.metric(step, "sent_at", time.time())
        time.sleep(settings["every_s"])
    for step in range(settings["points"] + 1, settings["points"] + settings.get("burst", 0) + 1):
        context.reporter.metric(step, "sent_at", time.time())
    return {}
