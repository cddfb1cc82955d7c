"""Doors to recipes for programs: the kinds of steps, saved recipes, their files, and the way back from masks."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer, inline_serializer
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.datasets.api import version_for
from apps.datasets.models import SavedRecipe
from apps.datasets.recipes import fields, rendering, saving, unmasking
from apps.datasets.recipes.views import as_file


@extend_schema_serializer(component_name="Recipe")
class RecipeSerializer(serializers.ModelSerializer[SavedRecipe]):
    """One edition of a saved recipe. Saving it anew makes the next edition of its `line`."""

    steps = serializers.ListField(help_text='{"step", its options, "off": true for one that does not run}, in order.')
    split = serializers.DictField(allow_null=True)

    class Meta:
        model = SavedRecipe
        fields = ["id", "line", "number", "name", "description", "steps", "split", "created_at"]
        read_only_fields = ["id", "line", "number", "created_at"]


_RECIPE = inline_serializer(
    "NewRecipe",
    {
        "name": serializers.CharField(max_length=80),
        "description": serializers.CharField(required=False, allow_blank=True),
        "steps": serializers.ListField(help_text="As /recipe-steps/ tells them."),
        "split": serializers.DictField(required=False, allow_null=True),
    },
)
_STEPS = inline_serializer(
    "RecipeSteps",
    {
        "results": serializers.ListField(
            help_text="{step, label, help, group, forms, result_form, options: [{name, kind, default, choices, least, most, is_required}]}"
        )
    },
)


def _said(request: Request) -> dict[str, Any]:
    body = request.data
    if not isinstance(body, dict):
        raise Problem(_("Send an object with name, steps and split."), hint='{"name": "usual", "steps": ["html"]}')
    return {
        name: body.get(name, default)
        for name, default in (("name", None), ("description", ""), ("steps", []), ("split", None))
    }


class StepList(APIView):
    """Every kind of step a recipe may have, with its options."""

    @extend_schema(responses=_STEPS)
    def get(self, request: Request) -> Response:
        require(request.user, "datasets.view", current_workspace(request))
        return Response({"results": fields.kinds_as_list()})


class RecipeList(IdempotentPosts, generics.ListAPIView[SavedRecipe]):
    """The newest edition of each recipe; POST saves one. A name that is taken gets its next edition."""

    serializer_class = RecipeSerializer

    def get_queryset(self) -> QuerySet[SavedRecipe]:
        found: QuerySet[SavedRecipe] = SavedRecipe.objects.visible_to(self.request.user).newest()
        text = self.request.query_params.get("q", "").replace("\0", "")[:80]
        return found.filter(name__icontains=text) if text else found

    @extend_schema(request=_RECIPE, responses={201: RecipeSerializer})
    def post(self, request: Request) -> Response:
        workspace = require(request.user, "datasets.edit", current_workspace(request))
        saved = saving.save_recipe(actor=request.user, workspace=workspace, **_said(request))
        return Response(RecipeSerializer(saved).data, status=201)


class RecipeDetail(APIView):
    """One edition. PUT makes the next edition of its line, DELETE removes all of them."""

    @extend_schema(responses=RecipeSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(RecipeSerializer(fetch_for(request.user, "datasets.view", SavedRecipe, pk)).data)

    @extend_schema(request=_RECIPE, responses=RecipeSerializer)
    def put(self, request: Request, pk: str) -> Response:
        saved = fetch_for(request.user, "datasets.edit", SavedRecipe, pk)
        said = _said(request)
        said["name"] = saved.name if said["name"] is None else said["name"]
        made = saving.save_recipe(actor=request.user, workspace=saved.workspace, line=saved.line, **said)
        return Response(RecipeSerializer(made).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        saving.delete_recipe(actor=request.user, saved=fetch_for(request.user, "datasets.edit", SavedRecipe, pk))
        return Response(status=204)


class RecipeExport(APIView):
    """A recipe as a file, to be imported elsewhere."""

    @extend_schema(
        parameters=[OpenApiParameter("as", enum=saving.FORMATS)],
        responses={(200, "application/yaml"): OpenApiTypes.BINARY, (200, "application/json"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: str) -> HttpResponse:
        saved = fetch_for(request.user, "datasets.view", SavedRecipe, pk)
        return as_file(saved, request.query_params.get("as", "yaml"))


class RecipeImport(IdempotentPosts, APIView):
    """Save a recipe from the text of an exported file."""

    @extend_schema(
        request=inline_serializer("RecipeFile", {"content": serializers.CharField(help_text="YAML or JSON.")}),
        responses={201: RecipeSerializer},
    )
    def post(self, request: Request) -> Response:
        workspace = require(request.user, "datasets.edit", current_workspace(request))
        content = request.data.get("content") if isinstance(request.data, dict) else None
        if not isinstance(content, str):
            raise Problem(_("Send the text of the file."), field="content", code="required")
        read = saving.read_file(content.encode("utf-8", "replace"))
        saved = saving.save_recipe(actor=request.user, workspace=workspace, **read)
        return Response(RecipeSerializer(saved).data, status=201)


_UNMASK = inline_serializer(
    "Unmasking",
    {
        "texts": serializers.ListField(child=serializers.CharField(), required=False, help_text="Left out: all rows."),
        "reason": serializers.CharField(help_text="Kept in the ledger."),
    },
)
_OPENED = inline_serializer("Unmasked", {"texts": serializers.ListField(child=serializers.CharField())})


class UnmaskVersion(APIView):
    """Open what was masked reversibly, for owners: texts, or without `texts` all rows as a file. Kept in the ledger."""

    @extend_schema(request=_UNMASK, responses={200: _OPENED, (200, "application/x-ndjson"): OpenApiTypes.BINARY})
    def post(self, request: Request, pk: str, number: int) -> HttpResponseBase:
        version = version_for(request, pk, number, "datasets.unmask")
        body = request.data if isinstance(request.data, dict) else {}
        mine = {"actor": request.user, "version": version, "reason": body.get("reason", "")}
        if "texts" in body:
            return Response({"texts": unmasking.unmask_texts(texts=body["texts"], **mine)})
        return unmasking.unmasked_rows(**mine)


class RenderedRow(APIView):
    """A conversation in the words of a base model's chat template, as training reads it."""

    @extend_schema(
        parameters=[
            OpenApiParameter("row", OpenApiTypes.INT, description="From 0."),
            OpenApiParameter("model", required=True),
        ],
        responses=inline_serializer(
            "RenderedRow", {"row": serializers.IntegerField(), "text": serializers.CharField()}
        ),
    )
    def get(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number)
        row = rendering.row_at(version, request.query_params.get("row", "0"))
        text = rendering.rendered(version, row, request.query_params.get("model", ""))
        return Response({"row": row.index, "text": text})
