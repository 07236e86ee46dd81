"""The quality report: `scan.py` knows each row, `statistics.py` counts, `checks.py` says what needs doing, `reports.py` keeps it.

`content.py` holds the words that give a row away, `flagged.py` the findings that a flag says all about.
"""

from studio.data.quality.content import FLAGS
from studio.data.quality.findings import Finding
from studio.data.quality.reports import QualityReport, latest, report

__all__ = ["FLAGS", "Finding", "QualityReport", "latest", "report"]
