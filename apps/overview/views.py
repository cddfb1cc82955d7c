"""Home and search: read everything, own nothing."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import current_workspace
from apps.overview import lineage
from apps.overview.home import home_of
from apps.overview.search import find

PARTS = ("now", "recent", "badge", "stages")
WAYS = (("both", _("Both ways")), ("up", _("What made it")), ("down", _("What it made")))


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What waits, runs, broke and changed; its parts are fetched alone when something does."""
    part = request.GET.get("part", "")
    if part and part not in PARTS:
        raise Http404
    context = home_of(request.user, current_workspace(request))
    return render(request, f"overview/home.html#{part}" if part else "overview/home.html", context)


@login_required
def meter(request: HttpRequest) -> HttpResponse:
    """The meter of the top bar alone; console/frame.py gives it its numbers."""
    return render(request, "components/meter.html")


@login_required
def search(request: HttpRequest) -> JsonResponse:
    """Objects and actions whose name holds the words, for the palette."""
    text = request.GET.get("q", "").strip()[:100]
    return JsonResponse({"groups": find(request.user, current_workspace(request), text)})


@login_required
def lineage_page(request: HttpRequest, kind: str, pk: str) -> HttpResponse:
    """From the files to an answer and back: what an object came from, and what came from it."""
    way, is_wide = request.GET.get("way", "both"), "wide" in request.GET
    found = lineage.lineage_of(request.user, kind, pk, way=way, fan=lineage.FAN_WIDE if is_wide else lineage.FAN)
    context = {"found": found, "picture": lineage.drawn(found), "people": lineage.people_on(found.nodes)}
    return render(request, "overview/lineage.html", {**context, "way": way, "is_wide": is_wide, "ways": WAYS})
