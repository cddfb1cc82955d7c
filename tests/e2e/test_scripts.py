"""The scripts of the live pages in a real browser, against a server that loses, doubles, delays and refuses."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import plotly
import pytest
from playwright.sync_api import Browser, Page, Route

from apps.core.templatetags.ui import PLOTLY_STYLES

ROOT = Path(__file__).resolve().parent.parent.parent
PLOTLY = Path(plotly.__file__).parent / "package_data/plotly.min.js"
POLICY = "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self' data:"
KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
MARKS = "".join(f'<meta id="{name}" class="no-inline-styles">' for name in PLOTLY_STYLES)
HTML = f"""<!doctype html><html lang="en"><head>{MARKS}
<link rel="stylesheet" href="/css/tokens.css"><link rel="stylesheet" href="/css/plotly.css">
<script defer src="/plotly.js"></script></head><body data-icons="/icons.svg"><div id="chart" class="plot"></div></body></html>"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of our scripts and sheets alone, under the console's policy; it fails on any error or violation."""
    page, faults = chromium.new_page(), list[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Security Policy" in message.text else None)
    page.route("**/*", serve)
    yield page
    page.close()
    assert not faults, faults


def server(*, seed: int, fail: float = 0, drop: float = 0, double: float = 0) -> str:
    """An unreliable server as a script: how often a request fails, a message is lost or comes twice."""
    script = (Path(__file__).parent / "unreliable_server.js").read_text()
    for name, value in {"SEED": seed, "FAIL": fail, "DROP": drop, "DOUBLE": double}.items():
        script = script.replace(name, str(value))
    return script


def serve(route: Route) -> None:
    name = route.request.url.split("/", 3)[3] or "index.html"
    files = {"index.html": HTML, "plotly.js": PLOTLY.read_text()}
    path = ROOT / "static" / name
    if name not in files and not path.exists():
        route.fulfill(status=404, body="")
        return
    body = files.get(name) or path.read_text()
    headers = {"Content-Security-Policy": POLICY, "Content-Type": KINDS.get(Path(name).suffix, "image/svg+xml")}
    route.fulfill(body=body, headers=headers)


@pytest.fixture
def opened(page: Page) -> Callable[[str], Page]:
    """The page, after a script that runs before all others."""

    def open_with(script: str) -> Page:
        page.add_init_script(script)
        page.goto("http://console.test/")
        return page

    return open_with


def until(page: Page, condition: str, seconds: float = 30) -> None:
    """Playwright's own waiting evaluates text in the page, which the policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"() => Boolean({condition})"):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


WATCH = """async () => {
  const { live } = await import("/js/live.js");
  window.points = []; window.lines = []; window.changes = 0; window.states = [];
  live.onState((state) => states.push(state));
  live.subscribe("job.1", {
    onEvents: ({ points: fresh, logs }) => { points.push(...fresh.map(([seq]) => seq)); lines.push(...logs.map(([seq]) => seq)); },
    onChanged: () => (changes += 1),
  });
}"""
BROKEN = """() => {
  window.Working = WebSocket;
  window.WebSocket = class extends Working {
    constructor() { super(); this.close(); }
  };
}"""
STORM = """async ({ rounds, closing }) => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  for (let round = 0; round < rounds; round++) {
    publish(1 + Math.floor(6 * Math.random()));
    if (Math.random() < closing) sockets.at(-1).close();
    await pause(3);
  }
}"""


@pytest.mark.parametrize("seed", range(1, 9))
def test_live__messages_lost_doubled_and_sockets_cut__every_seq_comes_once_in_order(
    opened: Callable[[str], Page], seed: int
) -> None:
    page = opened(server(seed=seed * 7919, fail=0.1, drop=0.2, double=0.2))
    page.evaluate(WATCH)
    page.evaluate(STORM, {"rounds": 400, "closing": 0.02})
    page.evaluate("() => { fail = drop = 0; }")
    until(page, "sockets.at(-1).readyState === 1")
    page.evaluate("publish(1)")
    until(page, "points.length + lines.length >= truth")
    told = page.evaluate("({ points, lines, truth })")
    assert told["points"] == [seq for seq in range(1, told["truth"] + 1) if seq % 7]
    assert told["lines"] == [seq for seq in range(1, told["truth"] + 1) if seq % 7 == 0]


def test_live__socket_open_but_dumb__asks_by_itself(opened: Callable[[str], Page]) -> None:
    script = server(seed=5, drop=1)
    page = opened(script)
    page.clock.install()
    page.evaluate(WATCH)
    page.clock.run_for(100)
    page.evaluate("publish(20)")
    page.clock.run_for(30_000)
    until(page, "points.length + lines.length === 20")


def test_live__server_gone__tells_its_state_and_comes_back(opened: Callable[[str], Page]) -> None:
    page = opened(server(seed=6))
    page.clock.install()
    page.evaluate(WATCH)
    page.clock.run_for(100)
    page.evaluate(BROKEN)
    page.evaluate("sockets.at(-1).close()")
    page.clock.run_for(60_000)
    page.evaluate("() => { window.WebSocket = Working; publish(5); }")
    page.clock.run_for(30_000)
    assert page.evaluate("states") == ["connecting", "live", "reconnecting", "paused", "live"]
    until(page, "points.length + lines.length === 5 && changes >= 1")


def test_live__signed_out__stops_trying(opened: Callable[[str], Page]) -> None:
    page = opened(server(seed=7))
    page.clock.install()
    page.evaluate(WATCH)
    page.clock.run_for(100)
    page.evaluate("sockets.at(-1).close(4403)")
    page.clock.run_for(60_000)
    assert page.evaluate("[states.at(-1), sockets.length]") == ["signed-out", 1]


DRAW = """async (options) => {
  const { Chart } = await import("/js/chart.js");
  const place = document.getElementById("chart");
  const series = [{ name: "loss", label: "Loss" }, { name: "eval_loss", label: "Eval", markers: true }];
  window.frames = (count) => new Promise((done) => {
    const next = () => (count-- > 0 ? requestAnimationFrame(next) : done());
    next();
  });
  window.chart = new Chart(place, { series, ...options });
  window.drawn = (at) => [[...place.data[at].x], [...place.data[at].y]];
  const real = Plotly.react;
  window.reacts = 0;
  Plotly.react = (...all) => ((reacts += 1), real(...all));
  await frames(2);
}"""
ONE_BY_ONE = """async () => {
  for (let step = 1; step <= 60; step++) {
    chart.add([[step, step, "loss", step === 30 ? null : 1 / step]]);
    await frames(1);
  }
}"""
LONG = """() => chart.add(
  Array.from({ length: 200000 }, (_, n) => [n + 1, n + 1, "loss", n === 123456 ? 1000 : Math.sin(n)])
)"""


def drawn(page: Page, at: int = 0) -> Any:
    page.evaluate("frames(3)")
    return page.evaluate("(at) => drawn(at)", at)


def test_chart__points_one_by_one__extends_the_line_and_keeps_gaps(opened: Callable[[str], Page]) -> None:
    page = opened("")
    page.evaluate(DRAW, {})
    page.evaluate(ONE_BY_ONE)
    steps, values = drawn(page)
    assert steps == list(range(1, 61)) and values[29] is None and values[59] == pytest.approx(1 / 60)
    assert page.evaluate("reacts") <= 10, "only the first few points draw anew"
    assert page.get_attribute("#chart", "aria-label") is not None


def test_chart__resumed_run__forgets_what_came_after(opened: Callable[[str], Page]) -> None:
    page = opened("")
    page.evaluate(DRAW, {})
    page.evaluate("() => chart.add(Array.from({ length: 20 }, (_, n) => [n + 1, n + 1, 'loss', n]))")
    page.evaluate("() => { chart.truncate(12); chart.add([[21, 13, 'loss', 99]]); }")
    steps, values = drawn(page)
    assert steps == list(range(1, 14)) and values[-1] == 99


def test_chart__point_told_again__counts_once(opened: Callable[[str], Page]) -> None:
    page = opened("")
    page.evaluate(DRAW, {})
    page.evaluate(
        "() => { chart.add([[1, 1, 'loss', 5], [2, 2, 'loss', 4]]); chart.add([[2, 2, 'loss', 3], [3, 3, 'loss', 2]]); }"
    )
    assert drawn(page) == [[1, 2, 3], [5, 3, 2]]


def test_chart__long_curve__is_thinned_to_its_extremes(opened: Callable[[str], Page]) -> None:
    page = opened("")
    page.evaluate(DRAW, {})
    page.evaluate(LONG)
    steps, values = drawn(page)
    assert len(steps) <= 6000 and max(values) == 1000 and steps == sorted(steps)


def test_chart__smoothed__shows_the_raw_line_pale_and_smooths_on(opened: Callable[[str], Page]) -> None:
    page = opened("")
    page.evaluate(DRAW, {"smoothing": 0.8})
    page.evaluate("() => chart.add(Array.from({ length: 40 }, (_, n) => [n + 1, n + 1, 'loss', n % 2]))")
    drawn(page)
    page.evaluate("() => chart.add([[41, 41, 'loss', 0], [42, 42, 'loss', 1]])")
    raw, smooth = drawn(page, 0), drawn(page, 1)
    assert len(raw[1]) == len(smooth[1]) == 42 and raw[1][-1] == 1
    assert smooth[1][-1] == pytest.approx(0.5, abs=0.12)


def test_chart__other_theme__is_drawn_in_its_colours(opened: Callable[[str], Page]) -> None:
    page = opened("")
    page.evaluate(DRAW, {})
    page.evaluate("() => chart.add([[1, 1, 'loss', 5], [2, 2, 'loss', 4]])")
    colour = "() => document.getElementById('chart').data[0].line.color"
    drawn(page)
    light = page.evaluate(colour)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    drawn(page)
    assert page.evaluate(colour) != light
