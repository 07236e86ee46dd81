"""Cleaning: steps that each say what they would change before they make a new version, in pipelines that can be kept and applied again.

`preview` shows what a `Pipeline` does to a version, `clean` does it; `step_specs` describes the steps for a form and the command line, and
`personal.find` finds personal data in a text. To add a step, see `base.py`; its name goes into the union in `settings.py`.
"""

from studio.data.cleaning.base import StepSettings
from studio.data.cleaning.labels import similar_labels, table_text
from studio.data.cleaning.pipeline import Pipeline, delete_pipeline, load_pipeline, pipelines, save_pipeline
from studio.data.cleaning.run import Example, PipelinePreview, StepEffect, clean, preview
from studio.data.cleaning.settings import Step, StepSpec, parse_step, step_specs
from studio.data.similar import Stopped

__all__ = [
    "Example", "Pipeline", "PipelinePreview", "Step", "StepEffect", "StepSettings", "StepSpec", "Stopped", "clean", "delete_pipeline",
    "load_pipeline", "parse_step", "pipelines", "preview", "save_pipeline", "similar_labels", "step_specs", "table_text",
]  # fmt: skip
