"""Which addresses the console may call, so that nobody makes it call its own network (server-side request forgery).

A host that the operator lists may be called whatever its address, also without TLS. Any other must speak https and have public
addresses only. The name is resolved once and the connection goes to the address that was looked at, so that a second answer of
the name server changes nothing. No redirect is followed, no proxy of the environment is used, answers are capped in size and time.
"""

import ipaddress
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from workers.failures import UserError

MAX_ANSWER = 128 * 1024 * 1024  # bytes of one answer
MAX_SECONDS = 300.0  # until one answer is read
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(UserError):
    """An address that must not be called."""


def check_url(url: str, allowed: Iterable[str]) -> str:
    """The address as it is kept: scheme, host, port, path; no slash at its end. Raises Refused with what is wrong."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("This is no address.", "Give it as https://labels.example.com.", "url") from None
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url.strip():
        raise Refused("This is no address.", "Give it as https://labels.example.com.", "url")
    if parts.username or parts.password or parts.query or parts.fragment or "@" in parts.netloc:
        hint = "Only scheme, host, port and path; the token has a field of its own."
        raise Refused("The address says more than an address should.", hint, "url")
    if parts.scheme == "http" and not is_listed(host, port or 80, allowed):
        hint = "Use https, or let the operator list the host in TUNELOOP_LABEL_STUDIO_HOSTS."
        raise Refused("The token would travel unencrypted.", hint, "url")
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def is_listed(host: str, port: int, allowed: Iterable[str]) -> bool:
    """Whether the operator listed "host" or "host:port"."""
    names = {name.strip().lower() for name in allowed}
    return host.lower() in names or f"{host.lower()}:{port}" in names


def is_public(address: str) -> bool:
    """Whether the address belongs to the open internet, also where it wraps an older one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in _unwrapped(found))


def _unwrapped(address: _Address) -> Iterator[_Address]:
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        yield inner
    if address.ipv4_mapped is None and address not in _NAT64:
        yield address


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections to addresses that were looked at, and to no others."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed, self._real = tuple(allowed), httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                return self._real.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                problem = exc
        raise problem

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise httpcore.ConnectError(f"{host} is not known") from exc
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not is_listed(host, port, self._allowed) and not all(is_public(address) for address in addresses):
            hint = f"If it is yours, let the operator list it: TUNELOOP_LABEL_STUDIO_HOSTS={host}:{port}"
            raise Refused(f"{host} is on a private network, which the console does not call.", hint, "url")
        return addresses


class _Capped(httpx.SyncByteStream):
    def __init__(self, inner: Any) -> None:
        self._inner, self._late = inner, time.monotonic() + MAX_SECONDS

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for piece in self._inner:
            read += len(piece)
            if read > MAX_ANSWER or time.monotonic() > self._late:
                raise UserError("The server's answer has no end.", "Ask who runs it what is wrong.")
            yield piece

    def close(self) -> None:
        self._inner.close()


class GuardedTransport(httpx.HTTPTransport):
    """httpx over guarded connections; answers are capped and come as they are."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__(trust_env=False)
        self._pool._network_backend = GuardedBackend(allowed)  # httpx has no argument for it

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Accept-Encoding"] = "identity"  # a packed answer could be larger than it looks
        response = super().handle_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise UserError("The server packs its answers though asked not to.", "Switch off compression there.")
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Capped(response.stream),
            extensions=response.extensions,
        )


def guarded_client(allowed: Iterable[str], seconds: float) -> httpx.Client:
    """A client that calls what may be called. `seconds`: of patience with each read and write."""
    timeout = httpx.Timeout(seconds, connect=min(seconds, 10.0))
    transport = GuardedTransport(allowed)
    return httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
