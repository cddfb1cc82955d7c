import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
os.environ.setdefault("TUNELOOP_DATABASE_POOL", "12")  # a server of pages: many threads of one process
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402

from apps.core.consumers import LiveConsumer  # noqa: E402
from apps.datasets.receiving.segments import Segments  # noqa: E402
from console.body_limit import BodyLimit  # noqa: E402

socket = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([path("ws/", LiveConsumer.as_asgi())])))
application = ProtocolTypeRouter({"http": BodyLimit(Segments(http), settings.MAX_UPLOAD_BYTES), "websocket": socket})
