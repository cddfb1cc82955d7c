"""Worker programs: plain Python, run as their own process (`python -m workers.run spec.json`). No Django, no database."""
