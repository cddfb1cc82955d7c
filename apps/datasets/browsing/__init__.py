"""Looking at the rows of a version: filters, full-text search, sorting, figures of columns; never a walk through all rows."""
