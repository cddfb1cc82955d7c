"""How models, versions and aliases look to programs, and what programs may send."""

from typing import Any

from rest_framework import serializers

from apps.registry import aliases, gates
from apps.registry.models import Model, ModelVersion


class GateSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField(help_text="passed, failed, undefined or pending")
    text = serializers.CharField()
    url = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    model_name = serializers.CharField(source="model.name", read_only=True)
    is_servable = serializers.BooleanField(read_only=True)
    created_by = serializers.StringRelatedField[Any]()
    asked_by = serializers.StringRelatedField[Any]()
    decided_by = serializers.StringRelatedField[Any]()
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="the page of the version")

    class Meta:
        model = ModelVersion
        fields = [
            "id", "model", "model_name", "version", "change", "status", "is_servable", "checkpoint", "notes", "created_by",
            "asked_by", "asked_at", "decided_by", "decided_at", "decision_note", "url", "created_at",
        ]  # fmt: skip


class VersionDetailSerializer(VersionSerializer):
    gates = serializers.SerializerMethodField()

    class Meta(VersionSerializer.Meta):
        fields = [*VersionSerializer.Meta.fields, "gates"]

    def get_gates(self, version: ModelVersion) -> list[dict[str, Any]]:
        return [dict(row) for row in GateSerializer(gates.kept_gates(version), many=True).data]


class AliasSerializer(serializers.Serializer[Any]):
    alias = serializers.CharField(source="name")
    version = serializers.CharField(source="version.version", default=None, allow_null=True)
    at = serializers.DateTimeField()
    by = serializers.CharField(source="created_by", default=None, allow_null=True)
    note = serializers.CharField()


class ModelSerializer(serializers.ModelSerializer[Model]):
    newest = serializers.CharField(source="newest.version", default=None, read_only=True)
    aliases = serializers.SerializerMethodField()
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="the page of the model")

    class Meta:
        model = Model
        fields = ["id", "name", "description", "newest", "aliases", "url", "created_at"]

    def get_aliases(self, model: Model) -> dict[str, str]:
        held = aliases.aliases_of(model).items()
        return {name: move.version.version for name, move in held if move.version}


class NewModelSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, default="")


class NewVersionSerializer(serializers.Serializer[Any]):
    checkpoint = serializers.CharField(max_length=60)
    version = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    bump = serializers.CharField(required=False, allow_blank=True, default="", help_text="major, minor or patch")
    notes = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)


class NoteSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(required=False, allow_blank=True, default="")


class MoveSerializer(NoteSerializer):
    version = serializers.CharField(max_length=200, help_text="the version's text or id")


class AliasDetailSerializer(AliasSerializer):
    history = AliasSerializer(many=True)
