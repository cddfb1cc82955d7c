from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.roles import Role


class MemberForm(forms.Form):
    """A person to add: by the e-mail of an account, or with a name and a first password for a new one."""

    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.ENGINEER)
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    password = forms.CharField(
        label=_("First password"),
        required=False,
        help_text=_("At least 10 characters. Hand it over in person; they can change it under Your account."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        known = User.objects.filter(email=values.get("email", "").lower()).exists()
        if not known and "email" in values and not values.get("password"):
            self.add_error("password", _("This person has no account yet: set a first password and hand it over."))
        return values


class KeyForm(forms.Form):
    name = forms.CharField(
        label=_("What is it for?"),
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": _("nightly evaluation"), "autocomplete": "off"}),
    )


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["name"]
        labels = {"name": _("Name")}
        help_texts = {"name": _("How others see you beside what you do.")}
