"""What a run found, for people: tables, charts, one self-contained HTML file."""

from paretune.report.frontier import pareto
from paretune.report.html import write
from paretune.report.pictures import write_charts

__all__ = ["pareto", "write", "write_charts"]
