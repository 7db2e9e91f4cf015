"""The whole trip: from a model and its data to an artifact with the evidence."""

from paretune.pipeline.bench import bench
from paretune.pipeline.demo import demo
from paretune.pipeline.dry_run import Plan, SearchPlan, dry_run
from paretune.pipeline.duration import seconds
from paretune.pipeline.optimize import optimize
from paretune.pipeline.preview import preview
from paretune.pipeline.request import Request

__all__ = [
    "Plan",
    "Request",
    "SearchPlan",
    "bench",
    "demo",
    "dry_run",
    "optimize",
    "preview",
    "seconds",
]
