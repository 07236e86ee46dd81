"""Loading models and tokenizers for training and for answers. Needs torch; everything else in the studio loads models through this file.

Weights and precision: an adaptation that moves the model's own weights (full, last layers, head) always gets float32 weights, and the
trainer's autocast computes in the recipe's precision, because small steps vanish when they are rounded to bfloat16. For adapters the
frozen base is held in the recipe's precision and the adapter in float32. QLoRA holds the base in 4 bits (NF4, double quantisation).

Adapters stand on the registry's base. A model whose adapter is not continued is merged into its base in memory, down the whole chain.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from studio import device as devices
from studio.errors import ModelError
from studio.models.adaptations import AdaptationSettings, PromptTuning
from studio.models.heads import as_classifier, label_settings, new_head
from studio.models.inspect import has_tokenizer
from studio.models.quantise import four_bit_config, four_bit_problem, never_repack
from studio.models.registry import REWARD_LABELS, ModelInfo, continues, get_model, require_files
from studio.models.sanitise import safe_view
from studio.models.templates import FALLBACK_TEMPLATE
from studio.workspace import Workspace

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

DROPOUT_KEYS = (
    "dropout",
    "attention_dropout",
    "hidden_dropout",
    "activation_dropout",
    "attn_pdrop",
    "resid_pdrop",
    "embd_pdrop",
    "attn_dropout",
    "resid_dropout",
    "embed_dropout",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
)
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PAD_TOKENS = ("<|pad|>", "<pad>", "[PAD]", "<|finetune_right_pad_id|>", "<|endoftext|>")


@dataclass(frozen=True)
class Loading:
    """How weights are to be loaded: `task` is "causal", "classifier" or "reward", `labels` the outputs of the head;
    `dropout` None keeps the model's own."""

    task: str
    labels: list[str]
    dtype: torch.dtype
    device: torch.device
    four_bit: bool = False
    dropout: float | None = None


def load_tokenizer(ws: Workspace, name: str) -> PreTrainedTokenizerBase:
    """A model's tokenizer, with a padding token and a chat template (a plain one where the model has none). Raises `ModelError`."""
    info = require_files(get_model(ws, name))
    while not has_tokenizer(info.path) and (below := info.continued_from or info.base):
        info = require_files(get_model(ws, below))
    with safe_view(info.path) as view, _explained(info.name):
        tokenizer = AutoTokenizer.from_pretrained(view, trust_remote_code=False)
    tokenizer.name_or_path = str(info.path)
    _set_pad_token(tokenizer, info.name)
    if not tokenizer.chat_template:
        tokenizer.chat_template = FALLBACK_TEMPLATE
    return tokenizer


def load_for_training(
    ws: Workspace,
    name: str,
    adaptation: AdaptationSettings,
    task: str = "causal",
    labels: list[str] | None = None,
    precision: str = "auto",
    device: str = "auto",
    dropout: float = 0.0,
) -> tuple[Any, PreTrainedTokenizerBase]:
    """A model with the adaptation applied, ready for a trainer, and its tokenizer.

    Continues the model's own adapter where `registry.continues` says so. `precision` is as in the recipe; "auto" is bfloat16 on a GPU that
    is quick at it, otherwise float32. Raises `ModelError` when the model, the adaptation and the task do not go together.
    """
    info = require_files(get_model(ws, name))
    labels = REWARD_LABELS if task == "reward" else list(labels or [])
    _check_task(info, task, labels)
    target = devices.torch_device(device)
    if adaptation.four_bit:
        _require_four_bit(target)
    how = Loading(task, labels, _training_dtype(adaptation, precision, target), target, adaptation.four_bit, dropout)
    tokenizer = load_tokenizer(ws, name)
    with _explained(info.name):
        if continues(info, adaptation.model_dump(), task, labels):
            model = _continued(_complete(ws, _base_of(ws, info), how), info, adaptation, task)
        else:
            from studio.models.adapt import adapt  # imports PEFT, as above

            model = adapt(_complete(ws, info, how), adaptation, task)
    _finish(model, tokenizer, use_cache=False)
    return model, tokenizer


def load_for_inference(ws: Workspace, name: str, device: str = "auto") -> tuple[Any, PreTrainedTokenizerBase]:
    """A model ready to answer (or to classify) and its tokenizer. Adapters are merged in memory, which answers faster, unless they cannot
    be (prompt tuning) or the base is held in 4 bits (QLoRA, where bitsandbytes runs). Raises `ModelError`."""
    info = require_files(get_model(ws, name))
    target = devices.torch_device(device)
    task = info.task
    _check_task(info, task, info.labels)
    kind = (info.adaptation or {}).get("kind", "")
    four_bit = info.adapter and kind == "qlora" and not four_bit_problem(target)
    how = Loading(task, info.labels, _inference_dtype(info, target), target, four_bit)
    tokenizer = load_tokenizer(ws, name)
    with _explained(info.name):
        if four_bit or kind == "prompt_tuning":
            model = _with_adapter(_complete(ws, _base_of(ws, info), how), info, trainable=False)
        else:
            model = _complete(ws, info, how)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    _finish(model, tokenizer, use_cache=True)
    return model.eval(), tokenizer


def _complete(ws: Workspace, info: ModelInfo, how: Loading) -> PreTrainedModel:
    """A model without adapters, for the task that is asked: loaded, its own adapter merged, its head made or replaced."""
    require_files(info)
    if not info.adapter:
        return _from_folder(info.path, info.labels if info.task == how.task else [], how)
    if (info.adaptation or {}).get("kind") == "prompt_tuning":
        raise ModelError(
            f"{info.name} was made by prompt tuning, which cannot be merged into its base.",
            f"Choose prompt tuning with as many virtual tokens to train it further, or start from {info.base}.",
        )
    if how.four_bit:
        return _quantised(_complete(ws, info, replace(how, four_bit=False)), how)
    own = replace(how, task=info.task, labels=info.labels)
    model = _with_adapter(_complete(ws, _base_of(ws, info), own), info, trainable=False).merge_and_unload()
    if own.task == how.task and own.labels == how.labels:
        pass
    elif own.task != "causal":
        new_head(model, how.labels)
    else:
        model = as_classifier(model, how.labels)
    model.name_or_path = model.config._name_or_path = str(info.path)
    return model


def _from_folder(folder: Path, own_labels: list[str], how: Loading) -> PreTrainedModel:
    """The complete model in a folder. A classifier's head is kept when its labels are the ones asked for, otherwise it starts anew."""
    auto = AutoModelForCausalLM if how.task == "causal" else AutoModelForSequenceClassification
    options: dict[str, Any] = {"quantization_config": four_bit_config(how.dtype)} if how.four_bit else {}
    with safe_view(folder) as view, _quiet():
        config = AutoConfig.from_pretrained(view, trust_remote_code=False)
        _set_dropout(config, how.dropout)
        if how.task != "causal":
            label_settings(config, own_labels or how.labels)
        model, report = auto.from_pretrained(
            view,
            config=config,
            dtype=how.dtype,
            device_map={"": how.device},
            attn_implementation=_attention(auto, config),
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
    if how.four_bit:
        never_repack(model)
    _check_complete(folder, report["missing_keys"], fresh_head=how.task != "causal" and not own_labels)
    if how.task != "causal" and own_labels and own_labels != how.labels:
        new_head(model, how.labels)
    model.name_or_path = model.config._name_or_path = str(folder)
    return model


def _with_adapter(model: PreTrainedModel, info: ModelInfo, trainable: bool) -> PeftModel:
    from peft import PeftModel  # seconds to import, and base models do without

    with safe_view(info.path) as view:
        return PeftModel.from_pretrained(model, str(view), is_trainable=trainable, torch_device=str(model.device))


def _continued(model: PreTrainedModel, info: ModelInfo, adaptation: AdaptationSettings, task: str) -> PeftModel:
    """The model with its own adapter, trainable. Virtual tokens are loaded into a fresh adapter, because PEFT loads them frozen."""
    if not isinstance(adaptation, PromptTuning):
        return _with_adapter(model, info, trainable=True)
    from peft import load_peft_weights, set_peft_model_state_dict

    from studio.models.adapt import adapt

    fresh = adapt(model, adaptation, task)
    with safe_view(info.path) as view:
        set_peft_model_state_dict(fresh, load_peft_weights(str(view), device=str(model.device)))
    return fresh


def _quantised(model: PreTrainedModel, how: Loading) -> PreTrainedModel:
    """A merged model in 4 bits; it goes through a folder, because weights are quantised as they are read."""
    with tempfile.TemporaryDirectory(prefix="luthier-merged-") as folder:
        model.save_pretrained(folder)
        path = model.name_or_path
        del model
        quantised = _from_folder(Path(folder), how.labels, how)
    quantised.name_or_path = quantised.config._name_or_path = path
    return quantised


def _base_of(ws: Workspace, info: ModelInfo) -> ModelInfo:
    if info.base is None:
        raise ModelError(f"{info.name} is an adapter whose base is not known.", "Delete it, and add it again with its base.")
    return require_files(get_model(ws, info.base))


def _check_task(info: ModelInfo, task: str, labels: list[str]) -> None:
    if task == "classifier" and len(labels) < 2:
        raise ModelError("A classifier needs at least two labels.", "Choose labelled data with two or more different labels.")
    if task == "causal" and info.task != "causal":
        raise ModelError(f"{info.name} is a {info.called} and writes no text.", f"Choose {info.base or 'a model that writes'} instead.")
    if task == "causal" and not info.generates:
        raise ModelError(f"{info.name} reads text but does not write any.", "Use it for classification, or choose a causal language model.")


def _require_four_bit(target: torch.device) -> None:
    problem = four_bit_problem(target)
    if problem:
        raise ModelError(f"QLoRA cannot run here: {problem}.", "Install the extra with pip install 'luthier[qlora]', or choose LoRA.")


def _training_dtype(adaptation: AdaptationSettings, precision: str, target: torch.device) -> torch.dtype:
    if not adaptation.peft:
        return torch.float32
    if precision == "auto":
        return torch.bfloat16 if target.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    return PRECISIONS[precision]


def _inference_dtype(info: ModelInfo, target: torch.device) -> torch.dtype:
    """float32 on a CPU while that fits in half of the free memory, else the weights' own type; bfloat16 or float16 on a GPU."""
    if target.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    own = PRECISIONS.get(info.dtype, torch.float32)
    return torch.float32 if info.parameters * 4 <= devices.describe().free_bytes // 2 else own


def _attention(auto: Any, config: PretrainedConfig) -> str:
    """SDPA where the architecture has it, else the plain attention."""
    model_class = auto._model_mapping[type(config)]
    return "sdpa" if getattr(model_class, "_supports_sdpa", False) else "eager"


def _set_dropout(config: PretrainedConfig, dropout: float | None) -> None:
    for key in DROPOUT_KEYS if dropout is not None else ():
        if isinstance(getattr(config, key, None), float | int):
            setattr(config, key, dropout)


def _check_complete(folder: Path, missing: set[str] | list[str], fresh_head: bool) -> None:
    """Refuse a model whose file lacks tensors: those would be random, and nobody would know."""
    lacking = sorted(
        key for key in missing if not (fresh_head and key.split(".")[0] in ("score", "classifier", "pre_classifier", "bert", "pooler"))
    )
    if lacking:
        names = ", ".join(lacking[:3]) + (" and more" if len(lacking) > 3 else "")
        raise ModelError(f"The weights in {folder} lack {len(lacking)} tensors: {names}.", "Copy or download the whole model again.")


def _set_pad_token(tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    if tokenizer.pad_token is not None:
        return
    vocabulary = tokenizer.get_vocab()
    known = next((token for token in PAD_TOKENS if token in vocabulary), None)
    tokenizer.pad_token = known or tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token is None:
        raise ModelError(f"The tokenizer of {name} has no padding, end or unknown token.", "Set eos_token in its tokenizer_config.json.")


def _finish(model: Any, tokenizer: PreTrainedTokenizerBase, use_cache: bool) -> None:
    model.config.use_cache = use_cache
    model.config.pad_token_id = tokenizer.pad_token_id
    if getattr(model, "generation_config", None) is not None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's progress bars and its report of a fresh head, which `_check_complete` judges."""
    before = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns what the libraries raise while loading into a `ModelError`."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{name} does not fit in the device's memory.", "Unload other models, or choose QLoRA or a smaller model."
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise ModelError(
            f"{name} cannot be loaded: {str(error).rstrip('.')}.", "Check that its folder is complete, or add it again."
        ) from error
