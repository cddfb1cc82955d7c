"""The channel layer of the live pages: Redis, with waits short enough that a broker that is silent holds up nobody."""

from typing import Any

from channels_redis.core import RedisChannelLayer

ANSWER_WITHIN = 2.5  # seconds a command may take
MOST_CONNECTIONS = 5000  # the library's 100 refuse the 101st page that asks at the same moment (after a restart, say)


class LiveLayer(RedisChannelLayer):
    """A wait for news ends before the socket's own limit; with the library's 5 s against 5 s every idle page was cut off."""

    brpop_timeout = 1

    def __init__(self, url: str, **options: Any) -> None:
        host = {
            "address": url,
            "socket_timeout": ANSWER_WITHIN,
            "socket_connect_timeout": 2,
            "max_connections": MOST_CONNECTIONS,
        }
        super().__init__(hosts=[host], **options)
