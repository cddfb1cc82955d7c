"""What the figures of a profile are and how they are found. Pure: no Django; torch only where a model is asked (docs/quality.md)."""
