"""The fixed cast: Olga owns the workspace, the others hold one role each, Stefan is a stranger with a room of his own."""

from dataclasses import dataclass

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.roles import Role


@dataclass
class Cast:
    workspace: Workspace
    owner: User
    engineer: User
    curator: User
    annotator: User
    approver: User
    viewer: User
    stranger: User
    other_workspace: Workspace

    def by_role(self, role: str) -> User:
        person: User = getattr(self, role)
        return person


def make_user(name: str) -> User:
    return User.objects.create_user(email=f"{name.lower()}@example.com", password="a long pass phrase", name=name)


def make_cast() -> Cast:
    workspace = Workspace.objects.create(name="Northpeak", slug="northpeak")
    other = Workspace.objects.create(name="Elsewhere", slug="elsewhere")
    names = {
        "owner": "Olga",
        "engineer": "Emil",
        "curator": "Clara",
        "annotator": "Anton",
        "approver": "Ada",
        "viewer": "Viktor",
    }
    people = {role: make_user(name) for role, name in names.items()}
    for role, person in people.items():
        Membership.objects.create(workspace=workspace, user=person, role=role)
    stranger = make_user("Stefan")
    Membership.objects.create(workspace=other, user=stranger, role=Role.OWNER)
    return Cast(workspace=workspace, other_workspace=other, stranger=stranger, **people)
