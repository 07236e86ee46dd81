"""What a folder holds: the facts of a model or an adapter, read from its JSON files and weight headers. No torch.

`inspect_folder` is for complete models, `inspect_adapter` for PEFT adapters; both refuse what the studio cannot or must not load and say
what to do. To show another fact of a model, add a field to `FolderInfo` and read it here.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from studio.errors import ModelError
from studio.models.headers import Tensor, gguf_error, read_headers, read_json, weight_files
from studio.models.templates import chat_templates

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt")
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
ADAPTER_KINDS = {"LORA": "lora", "IA3": "ia3", "PROMPT_TUNING": "prompt_tuning"}


@dataclass(frozen=True)
class Matrix:
    """Linear layers that share a name and a shape: `q_proj`, rows, columns, and how many of them there are."""

    name: str
    rows: int
    columns: int
    count: int


@dataclass(frozen=True)
class FolderInfo:
    """The facts of a complete model. `bytes` is the size of its weights on disk; `labels` are a classifier's, in order; `matrices` are the
    linear layers inside the transformer, for estimates; `tied` is whether input and output embeddings are one tensor, `query_norm`
    whether attention normalises its queries and keys."""

    architecture: str
    model_type: str
    parameters: int
    layers: int
    hidden: int
    vocabulary: int
    context_length: int
    template: str
    license: str
    dtype: str
    bytes: int
    generates: bool
    tied: bool = False
    query_norm: bool = False
    labels: list[str] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)


@dataclass(frozen=True)
class AdapterFacts:
    """The facts of an adapter: the adaptation's `kind`, its `rank` (or number of virtual tokens), and whether it is a classifier's."""

    kind: str
    rank: int
    targets: list[str]
    parameters: int
    bytes: int
    classifier: bool


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds a PEFT adapter."""
    return (folder / "adapter_config.json").is_file()


def has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in TOKENIZER_FILES)


def check_folder(path: Path) -> None:
    """Refuse what is not a folder, with the remedy that suits what it is."""
    if path.suffix == ".gguf" or (path.is_dir() and any(path.glob("*.gguf")) and not any(path.glob("*.safetensors"))):
        raise gguf_error(path)
    if path.is_file():
        raise ModelError(
            f"{path} is a single file; a model is a folder.",
            "Choose the folder in Hugging Face format that holds config.json, .safetensors files and a tokenizer.",
        )
    if not path.is_dir():
        raise ModelError(f"There is no folder {path}.", "Check the path.")


def inspect_folder(path: str | Path, tokenizer: bool = True) -> FolderInfo:
    """The facts of the model in a folder; raises `ModelError` for pickled, quantised, unknown, incomplete or foreign formats, and unless
    `tokenizer` is False for one without a tokenizer."""
    folder = Path(path)
    check_folder(folder)
    config = read_json(folder / "config.json")
    inner = config.get("text_config")
    text: dict[str, Any] = inner if isinstance(inner, dict) else config
    model_type = str(config.get("model_type", ""))
    architecture = str((config.get("architectures") or [""])[0])
    _check_architecture(folder, model_type, architecture, config)
    files = weight_files(folder)
    if tokenizer and not has_tokenizer(folder):
        raise ModelError(
            f"{folder} has no tokenizer.",
            "Copy the tokenizer's files (tokenizer.json, tokenizer_config.json) of this model beside its weights.",
        )
    tensors = read_headers(files)
    labels = _labels(config) if architecture.endswith("ForSequenceClassification") else []
    tied = bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", True))) and not _has_output(tensors)
    return FolderInfo(
        architecture=architecture or model_type,
        model_type=model_type,
        parameters=sum(tensor.size for tensor in tensors),
        layers=_first(text, "num_hidden_layers", "n_layer", "num_layers"),
        hidden=_first(text, "hidden_size", "n_embd", "d_model"),
        vocabulary=_first(text, "vocab_size"),
        context_length=_first(text, "max_position_embeddings", "n_positions", "n_ctx"),
        template="own" if chat_templates(folder) else "none",
        license=_license(folder, config),
        dtype=_dtype(tensors),
        bytes=sum(file.stat().st_size for file in files),
        generates=_generates(model_type, architecture),
        tied=tied,
        query_norm=any("q_norm" in tensor.name for tensor in tensors),
        labels=labels,
        matrices=_matrices(tensors),
    )


def inspect_adapter(path: str | Path) -> AdapterFacts:
    """The facts of a PEFT adapter; raises `ModelError` for kinds that the studio does not know and for pickles."""
    folder = Path(path)
    config = read_json(folder / "adapter_config.json")
    kind = ADAPTER_KINDS.get(str(config.get("peft_type", "")))
    if kind is None:
        raise ModelError(
            f"{folder} is an adapter of type {config.get('peft_type', 'unknown')}, which is not supported.",
            "Use a LoRA, rsLoRA, DoRA, IA3 or prompt tuning adapter, or merge it into its base with the program that made it.",
        )
    if config.get("init_lora_weights", True) not in (True, False, "gaussian"):
        raise ModelError(
            f"{folder} is a LoRA adapter started from {config['init_lora_weights']}, which changes the base as well.",
            "Convert it to an ordinary LoRA with the program that made it, or merge it into its base.",
        )
    if kind == "lora" and config.get("use_dora"):
        kind = "dora"
    elif kind == "lora" and config.get("use_rslora"):
        kind = "rslora"
    files = weight_files(folder, "adapter_model")
    targets = config.get("target_modules") or []
    return AdapterFacts(
        kind=kind,
        rank=int(config.get("r") or config.get("num_virtual_tokens") or 0),
        targets=sorted(targets) if isinstance(targets, list) else [str(targets)],
        parameters=sum(tensor.size for tensor in read_headers(files)),
        bytes=sum(file.stat().st_size for file in files),
        classifier=config.get("task_type") == "SEQ_CLS",
    )


def _check_architecture(folder: Path, model_type: str, architecture: str, config: dict[str, Any]) -> None:
    if model_type not in known_types("auto_mappings.py", "CONFIG_MAPPING_NAMES"):
        said = architecture or model_type or "none"
        code = " It comes with its own program code, which is never run." if "auto_map" in config else ""
        raise ModelError(
            f"{folder} has an architecture that this version of transformers does not know: {said}.{code}",
            "Choose a model of a known architecture, for example Llama, Qwen, Mistral, Gemma, Phi or GPT-2.",
        )
    if config.get("quantization_config"):
        method = config["quantization_config"].get("quant_method", "some method")
        raise ModelError(
            f"{folder} holds weights quantised with {method}, which cannot be trained.",
            "Get the model's unquantised weights; the adaptation QLoRA makes them 4-bit while it trains.",
        )
    text_kinds = ("ForCausalLM", "LMHeadModel", "ForSequenceClassification", "ForMaskedLM", "Model", "")
    usable = _generates(model_type, architecture) or model_type in known_types(
        "modeling_auto.py", "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES"
    )
    if not usable or not architecture.endswith(text_kinds):
        raise ModelError(
            f"{folder} holds a {architecture or model_type}, which neither writes nor classifies text.",
            "Choose a causal language model (its architecture ends in ForCausalLM) or a text classifier.",
        )


def _generates(model_type: str, architecture: str) -> bool:
    if architecture.endswith(("ForSequenceClassification", "ForMaskedLM")):
        return False
    return model_type in known_types("modeling_auto.py", "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES")


@cache
def known_types(file: str, table: str) -> frozenset[str]:
    """The model types in one of transformers' own tables. The table is read, not imported, because importing it brings torch."""
    spec = importlib.util.find_spec("transformers")
    if spec is None or not spec.origin:
        raise ModelError("The library transformers is not installed.", "Install Luthier again with its dependencies.")
    tree = ast.parse((Path(spec.origin).parent / "models" / "auto" / file).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == table for t in node.targets):
            pairs = (item for item in ast.walk(node.value) if isinstance(item, ast.Tuple) and item.elts)
            return frozenset(str(pair.elts[0].value) for pair in pairs if isinstance(pair.elts[0], ast.Constant))
    return frozenset()


def _first(config: dict[str, Any], *names: str) -> int:
    return next((int(config[name]) for name in names if isinstance(config.get(name), int)), 0)


def _labels(config: dict[str, Any]) -> list[str]:
    labels = config.get("id2label") or {}
    return [str(labels[key]) for key in sorted(labels, key=int)]


def _dtype(tensors: Iterable[Tensor]) -> str:
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        sizes[tensor.dtype] += tensor.size
    name = sizes.most_common(1)[0][0] if sizes else ""
    if name not in DTYPES:
        raise ModelError(
            f"The weights are stored as {name or 'nothing'}, which cannot be trained.", "Get the model in float32, bfloat16 or float16."
        )
    return DTYPES[name]


def _has_output(tensors: Iterable[Tensor]) -> bool:
    return any(tensor.name in ("lm_head.weight", "embed_out.weight") for tensor in tensors)


def _matrices(tensors: Iterable[Tensor]) -> list[Matrix]:
    """The two-dimensional weights inside numbered layers, counted by name and shape."""
    counts: Counter[tuple[str, int, int]] = Counter()
    for tensor in tensors:
        match = re.search(r"\.\d+\..*?([^.]+)\.weight$", tensor.name)
        if match and len(tensor.shape) == 2:
            counts[(match.group(1), tensor.shape[0], tensor.shape[1])] += 1
    return [Matrix(name, rows, columns, count) for (name, rows, columns), count in counts.items()]


def _license(folder: Path, config: dict[str, Any]) -> str:
    """The licence by its short name: from the model card's header, else the config, else recognised in a LICENSE file."""
    card = folder / "README.md"
    if card.is_file():
        head = re.match(r"---\s*\n(.*?)\n---", card.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
        line = re.search(r"^license(?:_name)?:\s*[\"']?([^\s\"'#]+)", head.group(1), re.MULTILINE) if head else None
        if line:
            return line.group(1)
    if isinstance(config.get("license"), str):
        return config["license"]
    file = next((path for path in sorted(folder.glob("LICENSE*")) if path.is_file()), None)
    text = file.read_text(encoding="utf-8", errors="replace")[:400] if file else ""
    return "apache-2.0" if "Apache License" in text else "mit" if "MIT License" in text else ""
