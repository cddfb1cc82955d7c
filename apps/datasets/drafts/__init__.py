"""Drafts: what a person changes in a version, until it is frozen as the next one."""
