from django.urls import path

from apps.datasets import mending_views, views
from apps.datasets.browsing import views as browsing
from apps.datasets.drafts import views as drafts
from apps.datasets.duplicates import views as duplicates
from apps.datasets.quality import views as quality
from apps.datasets.recipes import views as recipes
from apps.datasets.versions import views as versions

app_name = "datasets"
urlpatterns = [
    path("", views.list_page, name="list"),
    path("new/", views.new, name="new"),
    path("demo/", views.load_demo, name="demo"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/new-version/", views.new_version, name="new-version"),
    path("<uuid:pk>/delete/", views.delete, name="delete"),
    path("<uuid:pk>/import/<uuid:upload>/", views.mapping, name="mapping"),
    path("<uuid:pk>/import/<uuid:upload>/cancel/", views.cancel_import, name="cancel-import"),
    path("<uuid:pk>/prepare/<uuid:job>/cancel/", views.cancel_prepare, name="cancel-prepare"),
    path("<uuid:pk>/versions/", versions.versions, name="versions"),
    path("<uuid:pk>/versions/compare/", versions.compare, name="compare"),
    path("<uuid:pk>/v<int:number>/changes/", versions.changes, name="changes"),
    path("<uuid:pk>/v<int:number>/about/", versions.about, name="about"),
    path("<uuid:pk>/v<int:number>/tag/", versions.set_tag, name="set-tag"),
    path("<uuid:pk>/v<int:number>/tag/remove/", versions.remove_tag, name="remove-tag"),
    path("<uuid:pk>/v<int:number>/delete/", versions.purge, name="purge"),
    path("<uuid:pk>/v<int:number>/", views.version, name="version"),
    path("<uuid:pk>/v<int:number>/profile/", quality.profile, name="profile"),
    path("<uuid:pk>/profile/<uuid:job>/cancel/", quality.cancel_profile, name="cancel-profile"),
    path("<uuid:pk>/quality/", quality.quality, name="quality"),
    path("<uuid:pk>/v<int:number>/duplicates/", duplicates.duplicates, name="duplicates"),
    path("<uuid:pk>/v<int:number>/duplicates/<uuid:job>/", duplicates.choose, name="choose-duplicates"),
    path("<uuid:pk>/v<int:number>/duplicates/<uuid:job>/cancel/", duplicates.cancel, name="cancel-duplicates"),
    path("<uuid:pk>/v<int:number>/prepare/", recipes.prepare, name="prepare"),
    path("<uuid:pk>/v<int:number>/prepare/recipe/", recipes.change, name="prepare-recipe"),
    path("<uuid:pk>/v<int:number>/prepare/save/", recipes.save, name="save-recipe"),
    path("<uuid:pk>/v<int:number>/rendered/", recipes.rendered, name="rendered"),
    path("<uuid:pk>/v<int:number>/unmask/", recipes.unmask, name="unmask"),
    path("recipes/", recipes.recipes, name="recipes"),
    path("recipes/import/", recipes.import_recipe, name="import-recipe"),
    path("recipes/<uuid:pk>/", recipes.recipe, name="recipe"),
    path("recipes/<uuid:pk>/export/", recipes.export_recipe, name="export-recipe"),
    path("recipes/<uuid:pk>/use/", recipes.use_recipe, name="use-recipe"),
    path("recipes/<uuid:pk>/delete/", recipes.delete_recipe, name="delete-recipe"),
    path("<uuid:pk>/v<int:number>/column/<str:column>/", browsing.column, name="column"),
    path("<uuid:pk>/v<int:number>/index/", browsing.index, name="index"),
    path("<uuid:pk>/v<int:number>/rows/<int:index>/edit/", drafts.edit_row, name="edit-row"),
    path("<uuid:pk>/v<int:number>/rows/edit/", drafts.edit_many, name="edit-many"),
    path("<uuid:pk>/media/<str:media_name>", browsing.image, name="media"),
    path("<uuid:pk>/drafts/", drafts.drafts, name="drafts"),
    path("<uuid:pk>/drafts/<uuid:draft>/", drafts.draft, name="draft"),
    path("<uuid:pk>/drafts/<uuid:draft>/edits/<uuid:edit>/undo/", drafts.undo, name="undo-edit"),
    path("<uuid:pk>/drafts/<uuid:draft>/discard/", drafts.discard, name="discard-draft"),
    path("<uuid:pk>/drafts/<uuid:draft>/take-up/", drafts.take_up, name="take-up-draft"),
    path("<uuid:pk>/drafts/<uuid:draft>/freeze/", drafts.freeze, name="freeze-draft"),
    path("<uuid:pk>/drafts/<uuid:draft>/cancel/", drafts.cancel, name="cancel-draft"),
    path("<uuid:pk>/v<int:number>/rollback/", views.roll_back, name="rollback"),
    path("<uuid:pk>/v<int:number>/quarantine/", mending_views.quarantine, name="quarantine"),
    path("<uuid:pk>/v<int:number>/quarantine/mend/", mending_views.mend, name="mend"),
    path("<uuid:pk>/v<int:number>/download/", views.download, name="download"),
    path("<uuid:pk>/v<int:number>/quarantine/download/", views.download_quarantine, name="download-quarantine"),
]
