"""Contract checks of models and tasks at a tiny size: `check_model` and `check_task`."""

from .findings import Finding as Finding
from .models import check_model as check_model
from .tasks import check_task as check_task
