from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedDoor(DefaultAccountAdapter):
    """Nobody signs up by themselves: an owner adds people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
