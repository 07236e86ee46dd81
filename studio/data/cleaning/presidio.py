"""Names of people and places, found by presidio with a spaCy model: the optional extra `luthier[personal]`. Nothing is downloaded here."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from studio.data.cleaning.personal import Finding
from studio.errors import DataError

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found]

ENTITIES = {"person": "PERSON", "place": "LOCATION"}
MODELS = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm")
LEAST_SCORE = 0.5


def require() -> str:
    """The spaCy model to use; raises `DataError` when presidio or a model is not installed."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        raise DataError(
            "Names of people and places are found by presidio, which is not installed.",
            "Install it with pip install 'luthier[personal]' and python -m spacy download en_core_web_md, or keep names and places.",
        )
    for model in MODELS:
        if importlib.util.find_spec(model) is not None:
            return model
    raise DataError(
        "presidio needs an English spaCy model, and none is installed.", "Install one: python -m spacy download en_core_web_md."
    )


@cache
def _engine(model: str) -> AnalyzerEngine:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider  # type: ignore[import-not-found]

    configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    return AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine(), supported_languages=["en"])


def added(findings: list[Finding], text: str, types: Iterable[str]) -> list[Finding]:
    """The findings with the names of `types` (person, place) in the text among them; those that overlap an earlier finding are left out."""
    names = {ENTITIES[type_]: type_ for type_ in types}
    results = _engine(require()).analyze(text=text, language="en", entities=list(names), score_threshold=LEAST_SCORE)
    result = list(findings)
    for found in sorted(results, key=lambda found: (-found.score, found.start)):
        if all(found.end <= other.start or found.start >= other.end for other in result):
            result.append(Finding(names[found.entity_type], found.start, found.end, text[found.start : found.end]))
    return sorted(result, key=lambda finding: finding.start)
