"""Doors to saved recipes, to the recipe of a version, and to the way back from masks."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.datasets import prepare_page, services
from apps.datasets.base_models import known_models
from apps.datasets.framing import frame, is_partial, may, version_of
from apps.datasets.models import Dataset, DatasetVersion, SavedRecipe
from apps.datasets.recipes import fields, form, rendering, saving, unmasking


@login_required
def prepare(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Choose what is done to the rows, see what would come of it, and start it."""
    shown, problem = version_of(request, pk, number, "datasets.edit"), None
    said = prepare_page.form_for(request.POST or request.GET, shown)
    if request.method == "POST":
        try:
            saved = prepare_page.saved_recipe(shown, said.saved)
            services.prepare_version(actor=request.user, version=shown, saved=saved, **said.as_recipe())
            return redirect("datasets:versions", pk)
        except Problem as found:
            problem = found
    return _page(request, shown, said, problem)


@login_required
@require_POST
def change(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """The page's form after a button was pressed, or what would come of it as it is."""
    shown = version_of(request, pk, number, "datasets.edit")
    said = form.read(request.POST)
    act = request.POST.get("act", "")
    if is_partial(request) and request.headers.get("HX-Target") != "recipe":
        act = ""  # htmx sends the button that was pressed last along with what was typed after it
    if act:
        said = said.after(act)
    if act and is_partial(request):
        columns = prepare_page.columns_of(shown)
        context = {"dataset": shown.dataset, "version": shown, **prepare_page.recipe_part(shown, said, columns)}
        return render(request, "datasets/dataset_prepare.html#recipe", context)
    return _page(request, shown, said)


def _page(request: HttpRequest, shown: DatasetVersion, said: form.Form, problem: Problem | None = None) -> HttpResponse:
    context = {**frame(request, shown.dataset, shown), "tab": "prepare", **prepare_page.page(shown, said, problem)}
    return render(request, "datasets/dataset_prepare.html", context, status=problem.status if problem else 200)


@login_required
@require_POST
def save(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Save the recipe of the page for all datasets."""
    shown = version_of(request, pk, number, "datasets.edit")
    said, name = form.read(request.POST), request.POST.get("recipe-name", "")
    try:
        saved = saving.save_recipe(
            actor=request.user,
            workspace=shown.workspace,
            name=name,
            description=request.POST.get("recipe-description", ""),
            **said.as_recipe(),
        )
    except Problem as problem:
        return _page(request, shown, said, problem)
    words = {"name": saved.name, "number": saved.number}
    messages.success(request, _("“%(name)s” is saved as edition %(number)s.") % words)
    return redirect(f"{reverse('datasets:prepare', args=[pk, number])}?recipe={saved.pk}")


@login_required
def recipes(request: HttpRequest) -> HttpResponse:
    """All recipes of the workspace."""
    workspace = require(request.user, "datasets.view", current_workspace(request))
    text = request.GET.get("q", "").replace("\0", "").strip()[:80]
    found = SavedRecipe.objects.filter(workspace=workspace).newest().select_related("created_by").order_by("name")
    found = found.filter(name__icontains=text) if text else found
    shown = [(saved, [fields.label_of(step["step"]) for step in saved.steps]) for saved in found[:500]]
    context = {"recipes": shown, "q": text, "may_edit": may(request, "datasets.edit", workspace)}
    return render(request, "datasets/recipe_list.html", context)


@login_required
def recipe(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One recipe: its steps, its editions, and the datasets to use it on."""
    saved = fetch_for(request.user, "datasets.view", SavedRecipe, pk)
    steps = fields.shown_steps(form.of_recipe(saved.steps, saved.split).steps, [], [])
    datasets = Dataset.objects.filter(workspace=saved.workspace, versions__isnull=False).distinct()[:200]
    context = {
        "recipe": saved,
        "steps": steps,
        "split_words": _split_words(saved.split),
        "editions": saving.editions_of(saved),
        "datasets": [(found, found.newest) for found in datasets],
        "may_edit": may(request, "datasets.edit", saved.workspace),
    }
    return render(request, "datasets/recipe_detail.html", context)


def _split_words(split: Any) -> list[tuple[Any, str]]:
    shares = (split or {}).get("fractions", {})
    return [(prepare_page.SPLIT_LABELS[name], f"{100 * share:g} %") for name, share in shares.items() if share]


@login_required
@require_POST
def import_recipe(request: HttpRequest) -> HttpResponse:
    """Save the recipe in a file."""
    workspace = require(request.user, "datasets.edit", current_workspace(request))
    try:
        file = request.FILES.get("file")
        if file is None:
            raise Problem(_("Choose a file."), field="file", code="required")
        read = saving.read_file(file.read(saving.MOST_BYTES + 1))
        saved = saving.save_recipe(actor=request.user, workspace=workspace, **read)
    except Problem as problem:
        messages.error(request, f"{problem.message} {problem.hint}".strip())
        return redirect("datasets:recipes")
    messages.success(
        request, _("“%(name)s” is saved as edition %(number)s.") % {"name": saved.name, "number": saved.number}
    )
    return redirect(saved.get_absolute_url())


@login_required
def export_recipe(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A recipe as a file, YAML or JSON."""
    saved = fetch_for(request.user, "datasets.view", SavedRecipe, pk)
    return as_file(saved, request.GET.get("format", "yaml"))


def as_file(saved: SavedRecipe, format: str) -> HttpResponse:
    content_type = {"json": "application/json"}.get(format, "application/yaml")
    response = HttpResponse(saving.written(saved, format), content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{saving.file_name(saved, format)}"'
    return response


@login_required
@require_POST
def delete_recipe(request: HttpRequest, pk: UUID) -> HttpResponse:
    saved = fetch_for(request.user, "datasets.edit", SavedRecipe, pk)
    saving.delete_recipe(actor=request.user, saved=saved)
    messages.success(request, _("%(name)s was deleted.") % {"name": saved.name})
    return redirect("datasets:recipes")


@login_required
def use_recipe(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page that prepares the newest version of a dataset, with this recipe."""
    saved = fetch_for(request.user, "datasets.edit", SavedRecipe, pk)
    if "dataset" not in request.GET:
        return redirect(saved)
    dataset = fetch_for(
        request.user, "datasets.edit", Dataset, request.GET.get("dataset", ""), workspace=saved.workspace
    )
    if dataset.newest is None:
        return redirect(dataset)
    return redirect(f"{reverse('datasets:prepare', args=[dataset.pk, dataset.newest.number])}?recipe={saved.pk}")


@login_required
def unmask(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    """Open what was masked reversibly: texts here, or the whole version as a file. Each use is kept in the ledger."""
    shown = version_of(request, pk, number, "datasets.unmask")
    context: dict[str, Any] = {**frame(request, shown.dataset, shown), "tab": "rows"}
    said: dict[str, Any] = {"actor": request.user, "version": shown, "reason": request.POST.get("reason", "")}
    if request.method == "POST":
        context |= {"text": request.POST.get("text", ""), "reason": said["reason"]}
        try:
            if "download" in request.POST:
                return unmasking.unmasked_rows(**said)
            context["opened"] = unmasking.unmask_texts(texts=[context["text"]], **said)[0]
        except Problem as problem:
            context["problem"] = problem
    status = context["problem"].status if "problem" in context else 200
    return render(request, "datasets/recipe_unmask.html", context, status=status)


@login_required
def rendered(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """A row in the words of a base model's chat template."""
    shown = version_of(request, pk, number)
    models = known_models(shown.workspace)
    slug = request.GET.get("model") or (models[0].slug if models else "")
    context: dict[str, Any] = {"tab": "rows", "models": models, "slug": slug}
    try:
        context["row"] = rendering.row_at(shown, request.GET.get("row", "0"))
        context["text"] = rendering.rendered(shown, context["row"], slug)
    except Problem as problem:
        context["problem"] = problem
    status = context["problem"].status if "problem" in context else 200
    return render(
        request, "datasets/row_rendered.html", {**frame(request, shown.dataset, shown), **context}, status=status
    )
