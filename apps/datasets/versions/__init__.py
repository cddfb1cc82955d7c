"""Versions as a line: what differs between two, tags, deletion of rows, and what each one keeps on the disk."""
