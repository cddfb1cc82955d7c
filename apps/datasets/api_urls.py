from django.urls import path

from apps.datasets import api, mending_api, prepare_api
from apps.datasets.browsing import api as browsing
from apps.datasets.drafts import api as drafts
from apps.datasets.duplicates import api as duplicates
from apps.datasets.quality import api as quality
from apps.datasets.receiving import api as receiving
from apps.datasets.recipes import api as recipes
from apps.datasets.versions import api as versions

urlpatterns = [
    path("uploads/", receiving.ReceptionList.as_view(), name="uploads"),
    path("uploads/join/", receiving.JoinReceptions.as_view(), name="uploads-join"),
    path("uploads/<str:pk>/", receiving.ReceptionDetail.as_view(), name="upload"),
    path("uploads/<str:pk>/finish/", receiving.FinishReception.as_view(), name="upload-finish"),
    path("datasets/", api.DatasetList.as_view(), name="datasets"),
    path("datasets/<str:pk>/", api.DatasetDetail.as_view(), name="dataset"),
    path("datasets/<str:pk>/versions/", api.VersionList.as_view(), name="dataset-versions"),
    path("datasets/<str:pk>/versions/<int:number>/", api.VersionDetail.as_view(), name="dataset-version"),
    path("datasets/<str:pk>/tags/", versions.TagList.as_view(), name="dataset-tags"),
    path("datasets/<str:pk>/tags/<str:tag>/", versions.TagDoor.as_view(), name="dataset-tag"),
    path("datasets/<str:pk>/versions/@<str:tag>/", versions.VersionByTag.as_view(), name="dataset-tagged"),
    path(
        "datasets/<str:pk>/versions/@<str:tag>/<path:rest>", versions.VersionByTag.as_view(), name="dataset-tagged-part"
    ),
    path("datasets/<str:pk>/versions/<int:number>/diff/", versions.VersionDiffDoor.as_view(), name="dataset-diff"),
    path("datasets/<str:pk>/versions/<int:number>/storage/", versions.VersionStorage.as_view(), name="dataset-storage"),
    path("datasets/<str:pk>/versions/<int:number>/profile/", quality.VersionProfile.as_view(), name="dataset-profile"),
    path("datasets/<str:pk>/quality/", quality.DatasetQuality.as_view(), name="dataset-quality"),
    path(
        "datasets/<str:pk>/versions/<int:number>/duplicates/",
        duplicates.VersionDuplicates.as_view(),
        name="dataset-duplicates",
    ),
    path(
        "datasets/<str:pk>/versions/<int:number>/duplicates/<uuid:job>/",
        duplicates.DuplicateGroups.as_view(),
        name="dataset-groups",
    ),
    path(
        "datasets/<str:pk>/versions/<int:number>/duplicates/<uuid:job>/remove/",
        duplicates.RemoveDuplicates.as_view(),
        name="dataset-deduplicate",
    ),
    path("datasets/<str:pk>/versions/<int:number>/rows/", api.VersionRows.as_view(), name="dataset-rows"),
    path("datasets/<str:pk>/versions/<int:number>/columns/", browsing.VersionColumns.as_view(), name="dataset-columns"),
    path(
        "datasets/<str:pk>/versions/<int:number>/statistics/",
        browsing.VersionStatistics.as_view(),
        name="dataset-column-statistics",
    ),
    path("datasets/<str:pk>/drafts/", drafts.DraftList.as_view(), name="dataset-drafts"),
    path("datasets/<str:pk>/drafts/<str:draft>/", drafts.DraftDetail.as_view(), name="dataset-draft"),
    path("datasets/<str:pk>/drafts/<str:draft>/edits/", drafts.DraftEdits.as_view(), name="dataset-draft-edits"),
    path(
        "datasets/<str:pk>/drafts/<str:draft>/edits/<str:edit>/",
        drafts.DraftEditDetail.as_view(),
        name="dataset-draft-edit",
    ),
    path("datasets/<str:pk>/drafts/<str:draft>/freeze/", drafts.FreezeDraft.as_view(), name="dataset-draft-freeze"),
    path("datasets/<str:pk>/drafts/<str:draft>/take-up/", drafts.TakeUpDraft.as_view(), name="dataset-draft-take-up"),
    path("datasets/<str:pk>/versions/<int:number>/download/", api.VersionDownload.as_view(), name="dataset-download"),
    path(
        "datasets/<str:pk>/versions/<int:number>/prepare/", prepare_api.PrepareVersion.as_view(), name="dataset-prepare"
    ),
    path(
        "datasets/<str:pk>/versions/<int:number>/prepare/preview/",
        prepare_api.PreviewPreparation.as_view(),
        name="dataset-prepare-preview",
    ),
    path("datasets/<str:pk>/versions/<int:number>/rollback/", prepare_api.RollBack.as_view(), name="dataset-rollback"),
    path(
        "datasets/<str:pk>/versions/<int:number>/quarantine/",
        api.VersionQuarantine.as_view(),
        name="dataset-quarantine",
    ),
    path(
        "datasets/<str:pk>/versions/<int:number>/quarantine/mend/",
        mending_api.MendQuarantine.as_view(),
        name="dataset-quarantine-mend",
    ),
    path(
        "datasets/<str:pk>/versions/<int:number>/quarantine/download/",
        api.QuarantineDownload.as_view(),
        name="dataset-quarantine-download",
    ),
    path("datasets/<str:pk>/versions/<int:number>/rendered/", recipes.RenderedRow.as_view(), name="dataset-rendered"),
    path("datasets/<str:pk>/versions/<int:number>/unmask/", recipes.UnmaskVersion.as_view(), name="dataset-unmask"),
    path("recipe-steps/", recipes.StepList.as_view(), name="recipe-steps"),
    path("recipes/", recipes.RecipeList.as_view(), name="recipes"),
    path("recipes/import/", recipes.RecipeImport.as_view(), name="recipe-import"),
    path("recipes/<str:pk>/", recipes.RecipeDetail.as_view(), name="recipe"),
    path("recipes/<str:pk>/export/", recipes.RecipeExport.as_view(), name="recipe-export"),
]
