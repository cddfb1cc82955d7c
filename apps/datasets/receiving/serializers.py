"""Receptions as the API tells of them, and what it takes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.datasets.models import Reception
from apps.datasets.receiving import joining, same


class HolderSerializer(serializers.Serializer[Any]):
    dataset = serializers.UUIDField()
    dataset_name = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    url = serializers.CharField()
    uploaded_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="ResumableUpload")
class ReceptionSerializer(serializers.ModelSerializer[Reception]):
    """A file that comes in pieces. Send the next bytes at `offset`; at `size` it is whole and can be finished. `same_as` tells which
    datasets hold the same bytes, once its sha256 is known; `url` is the page where its columns are chosen, once it is finished."""

    url = serializers.SerializerMethodField()
    same_as = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(read_only=True)

    class Meta:
        model = Reception
        fields = [
            "id", "name", "size", "offset", "fingerprint", "dataset", "dataset_name", "sha256", "created_at", "expires_at", "finished_at",
            "url", "same_as",
        ]  # fmt: skip
        read_only_fields = fields

    def get_url(self, reception: Reception) -> str:
        return reception.upload.get_absolute_url() if reception.upload else ""

    @extend_schema_field(HolderSerializer(many=True))
    def get_same_as(self, reception: Reception) -> list[dict[str, Any]]:
        request = self.context.get("request")
        if request is None or reception.finished_at:
            return []
        found = same.holders(request.user, reception.workspace, reception.sha256)
        return list(HolderSerializer(found, many=True).data)


class BeginSerializer(serializers.Serializer[Any]):
    """Programs that speak tus say the same in Upload-Length and Upload-Metadata (filename, dataset, dataset_name, fingerprint)."""

    name = serializers.CharField(max_length=1000, help_text="The name of the file.")
    size = serializers.IntegerField(min_value=0, max_value=2**62)
    dataset = serializers.UUIDField(
        required=False, allow_null=True, help_text="It becomes the next version of this one."
    )
    dataset_name = serializers.CharField(
        required=False, allow_blank=True, help_text="A new dataset; may be said later."
    )
    fingerprint = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="Yours, to find it again."
    )


class WishSerializer(serializers.Serializer[Any]):
    """`start` begins the import at once, otherwise its columns are chosen on its page."""

    name = serializers.CharField(required=False, allow_blank=True, help_text="The name of the new dataset.")
    again = serializers.BooleanField(required=False, help_text="Import it though the workspace has this very file.")
    start = serializers.BooleanField(required=False)
    format = serializers.CharField(required=False, allow_blank=True, max_length=20)
    encoding = serializers.CharField(required=False, allow_blank=True, max_length=40)
    mapping = serializers.JSONField(required=False, allow_null=True)


class JoinSerializer(WishSerializer):
    """Files of one kind become one dataset, in the order of their ids here."""

    uploads = serializers.ListField(child=serializers.UUIDField(), min_length=2, max_length=joining.MOST)
