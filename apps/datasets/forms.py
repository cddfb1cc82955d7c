from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem


class UploadForm(forms.Form):
    """Name and file. The file itself is judged by services.look_at, with the line and the reason."""

    name = forms.CharField(label=_("Name"), max_length=80, required=False, help_text=_("What the team will call it."))
    file = forms.FileField(label=_("File"), required=False, allow_empty_file=True)

    def refuse(self, problem: Problem) -> None:
        """Show a Problem beside its field."""
        self.is_valid()
        text = f"{problem.message} {problem.hint}".strip()
        self.add_error("name" if problem.field == "name" else "file", text)


class DeleteForm(forms.Form):
    """The name typed again, for what cannot be undone."""

    name = forms.CharField()

    def __init__(self, *args: Any, wanted: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = wanted

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.strip() != self.wanted:
            raise forms.ValidationError(_("This is not the name of the dataset."))
        return name
