"""The doorbell: quick even when the broker is dead or silent."""

import socket
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.core import live
from tests.cast import Cast
from tests.rings import Rings


def layer_at(settings: Settings, port: int) -> None:
    url = f"redis://127.0.0.1:{port}/0"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "apps.core.layer.LiveLayer", "CONFIG": {"url": url}}}


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Accepts and never answers: what a frozen broker, or a cut cable, looks like."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        yield int(server.getsockname()[1])


def test_send__broker_dead__is_false_quickly_and_then_at_once(settings: Settings, closed_port: int) -> None:
    layer_at(settings, closed_port)
    began = time.monotonic()
    assert live.send("job.1", {"type": "changed"}) is False
    assert time.monotonic() - began < 2
    again = time.monotonic()
    assert not any(live.send("job.1", {"type": "changed"}) for _number in range(1000))
    assert time.monotonic() - again < 0.2


def test_send__broker_silent__gives_up_and_pauses_longer_than_it_waited(settings: Settings, silent_port: int) -> None:
    layer_at(settings, silent_port)
    began = time.monotonic()
    assert live.send("job.1", {"type": "changed"}) is False
    waited = time.monotonic() - began
    assert waited < 4
    assert live._quiet_until > time.monotonic() + 2 * waited


def test_send__after_the_pause__tries_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    layer_at(settings, closed_port)
    assert live.send("job.1", {}) is False
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert live.send("job.1", {}) is False
    monkeypatch.setattr(live, "_quiet_until", 0.0)
    assert live.send("job.1", {}) is True


@pytest.mark.django_db
def test_ring__rolled_back__is_not_heard(cast: Cast, rings: Rings) -> None:
    live.ring(cast.workspace)
    assert rings.heard == []


@pytest.mark.django_db
def test_ring__workspace__is_heard_once(cast: Cast, rings: Rings) -> None:
    with rings.on_commit():
        live.ring(cast.workspace, members=3)
    assert rings.heard == [(f"workspace.{cast.workspace.pk}", {"type": "changed", "members": 3})]
