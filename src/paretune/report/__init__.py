"""What a run found, for people: tables, charts, one self-contained HTML file."""

from paretune.report.charts import write_charts
from paretune.report.frontier import pareto
from paretune.report.html import write

__all__ = ["pareto", "write", "write_charts"]
