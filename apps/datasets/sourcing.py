"""What the jobs over a version's rows begin with: the version that a job names, and its files."""

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job


def version_of(job: Job) -> DatasetVersion:
    """The version that a job works on. Raises Problem when it is gone."""
    found = DatasetVersion.objects.select_related("dataset", "workspace").filter(pk=job.inputs["version"])
    version: DatasetVersion | None = found.first()
    if version is None:
        raise Problem(_("The version is gone: its dataset was deleted."))
    return version


def shards_of(version: DatasetVersion) -> list[str]:
    """Local paths of a version's files, for a program's inputs. Raises Problem when its rows are gone."""
    if not all(storage().exists(file["key"]) for file in version.files):
        raise Problem(_("The rows of this version are gone from the storage."))
    return [str(path) for path in version.shard_paths()]
