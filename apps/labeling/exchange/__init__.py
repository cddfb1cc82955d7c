"""Labels in and out: Label Studio's JSON both ways, and the formats that trainers and spreadsheets read."""

from apps.labeling.exchange.reading import Imported, import_tasks
from apps.labeling.exchange.sending import FORMATS, export
from workers.labels.reading import MOST_BYTES

__all__ = ["FORMATS", "MOST_BYTES", "Imported", "export", "import_tasks"]
