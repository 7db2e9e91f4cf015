"""`hf:NAME` or a folder with `config.json`: image and text classifiers of Hugging Face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from paretune.core import (
    ImagePreprocessing,
    InputError,
    MissingPackageError,
    Model,
    Preprocessing,
    Task,
    TextPreprocessing,
)
from paretune.sources._hf_images import image_preprocessing
from paretune.sources._hf_text import text_preprocessing
from paretune.sources._imports import first_line, need
from paretune.sources._module import model_of_module
from paretune.sources._quiet import quiet
from paretune.sources._registry import register
from paretune.sources._weights import PICKLES
from paretune.sources.base import Request, Source

_PREFIX = "hf:"
_IMAGE, _TEXT = "ForImageClassification", "ForSequenceClassification"


class HuggingFaceSource(Source):
    """Loads safetensors weights only, and runs no code that comes with a model."""

    name: ClassVar[str] = "huggingface"
    form: ClassVar[str] = "hf:NAME | HUGGING_FACE_FOLDER"

    def match(self, text: str) -> bool:
        """Whether `text` begins with `hf:` or is a folder with `config.json`."""
        return text.startswith(_PREFIX) or (Path(text).expanduser() / "config.json").is_file()

    def load(self, text: str, request: Request) -> Model:
        """Load configuration, weights and preprocessing."""
        for package in ("torch", "transformers"):
            need(package, to=f"model {text}", install="paretune[hf]")
        if request.weights is not None:
            raise InputError(f"model {text} comes with its weights: leave weights out")
        name = str(Path(text.removeprefix(_PREFIX)).expanduser())
        config = _config(name, text)
        kind = _kind(config, text)
        module = _weights(name, text, config, kind)
        request = replace(request, task=request.task or _task(config))
        settings = config.to_dict()
        for where in ("_name_or_path", "transformers_version"):
            settings.pop(where, None)
        preprocessing: Preprocessing | None
        if kind == _TEXT:
            preprocessing = text_preprocessing(name, text, config, request, module)
            request = replace(request, input_shape=None)  # the tokenizer has made use of it
        else:
            preprocessing = _processor(name, config, request)
            request = replace(request, input_shape=_image_shape(config, preprocessing, request))
        names = preprocessing.inputs if isinstance(preprocessing, TextPreprocessing) else ()
        names = names or (str(module.main_input_name),)
        return model_of_module(
            _named(module, names),
            name=text,
            source=self.name,
            request=request,
            preprocessing=preprocessing,
            labels=_labels(config),
            input_names=names,
            output_names=("logits",),
            structure=repr(sorted(settings.items(), key=lambda item: item[0])),
        )


def _config(name: str, text: str) -> Any:
    from transformers import AutoConfig

    try:
        with quiet():
            return AutoConfig.from_pretrained(name, trust_remote_code=False)
    except ImportError as error:
        raise _needs_more(text, error) from None
    except (OSError, ValueError, KeyError) as error:
        if Path(name).is_dir():
            raise InputError(
                f"{text}/config.json cannot be used: {first_line(error)}; save it again with "
                "save_pretrained"
            ) from None
        raise _unreachable(text, error) from None


def _needs_more(text: str, error: ImportError) -> MissingPackageError:
    """Some models of transformers are other packages' inside, timm's among them."""
    return MissingPackageError(
        f"model {text} needs a package that is not installed: {first_line(error)}"
    )


def _unreachable(text: str, error: Exception) -> InputError:
    return InputError(
        f"model {text} cannot be had from Hugging Face: {first_line(error)}; check the name and "
        "the network, or give the path of a folder with its files"
    )


def _kind(config: Any, text: str) -> str:
    architectures = list(getattr(config, "architectures", None) or [])
    for kind in (_IMAGE, _TEXT):
        if any(kind in architecture for architecture in architectures):
            return kind
    raise InputError(
        f"model {text} is {', '.join(architectures) or 'of no stated architecture'}: only "
        f"...{_IMAGE} and ...{_TEXT} are supported, so give package.module:factory instead"
    )


def _task(config: Any) -> Task | None:
    """`other` where outputs are not scores of which the highest is the answer; None else.

    transformers writes the kind of problem that a head was trained for beside the weights.
    """
    problem = getattr(config, "problem_type", None)
    one_class = problem in (None, "single_label_classification")
    return None if one_class and getattr(config, "num_labels", 2) > 1 else "other"


def _weights(name: str, text: str, config: Any, kind: str) -> Any:
    import torch
    import transformers
    from safetensors import SafetensorError

    chatter: Any = transformers.utils.logging
    auto = getattr(transformers, f"AutoModel{kind}")
    bars = chatter.is_progress_bar_enabled()
    chatter.disable_progress_bar()
    try:
        with quiet():
            module, found = auto.from_pretrained(
                name,
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except ImportError as error:
        raise _needs_more(text, error) from None
    except SafetensorError as error:
        raise InputError(
            f"the weights of {text} are not a whole safetensors file ({first_line(error)}): "
            "copy or save them again"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        folder = Path(name)
        pickles = [f.name for f in folder.glob("*") if f.suffix in PICKLES] if name else []
        if folder.is_dir() and pickles and not any(folder.glob("*.safetensors")):
            raise InputError(
                f"model {text} has its weights in {pickles[0]}, a pickle, which can run any code "
                "when opened: convert it once with save_pretrained of a current transformers, "
                "which writes model.safetensors"
            ) from None
        if folder.is_dir():
            raise InputError(
                f"the weights of {text} cannot be loaded: {first_line(error)}; save the model "
                "again with save_pretrained"
            ) from None
        raise _unreachable(text, error) from None
    finally:
        if bars:
            chatter.enable_progress_bar()
    missing = sorted(found["missing_keys"])
    if missing:  # transformers fills them with random numbers and goes on
        raise InputError(
            f"the weights of {text} lack {len(missing)} tensors ({', '.join(missing[:3])}): give "
            "a model that was trained for this task"
        )
    return module


def _named(module: Any, names: tuple[str, ...]) -> Any:
    from paretune.sources._flatten import NamedInputs

    return NamedInputs(module, names, "logits")


def _labels(config: Any) -> list[str] | None:
    """Class names, None where they are only the numbers that transformers fills in."""
    names = getattr(config, "id2label", None) or {}
    labels = [str(names[index]) for index in sorted(names)]
    return None if labels == [f"LABEL_{index}" for index in range(len(labels))] else labels


def _image_shape(config: Any, preprocessing: Preprocessing | None, request: Request) -> Any:
    """The shape asked for, else the configuration's where no processor tells."""
    size = getattr(config, "image_size", None)
    if request.input_shape is not None or preprocessing is not None or not isinstance(size, int):
        return request.input_shape
    return (int(getattr(config, "num_channels", 3)), size, size)


def _processor(name: str, config: Any, request: Request) -> ImagePreprocessing | None:
    """What the image processor does, read with its class's defaults; None without one."""
    from transformers import AutoImageProcessor

    auto: Any = AutoImageProcessor
    with quiet():
        try:
            # Pillow's processors need no torchvision; the settings are the same. `use_fast` is
            # how transformers 4 says the same.
            processor = auto.from_pretrained(
                name, backend="pil", use_fast=False, trust_remote_code=False
            )
        except (OSError, ValueError):  # no preprocessor_config.json
            return None
    try:
        return image_preprocessing(processor.to_dict(), int(getattr(config, "num_channels", 3)))
    except InputError:
        if request.preprocessing is None:
            raise
        return None


register(HuggingFaceSource())
