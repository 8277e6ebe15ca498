"""Gradio components with a behaviour of their own; the page's other components are plain Gradio.

Whatever a program sends for a field, it is answered with a sentence that names the field.
"""

import math
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self, cast

import gradio as gr
from gradio.data_classes import FileData, ImageData
from gradio.utils import get_upload_folder
from pydantic import BaseModel, ValidationError

from pipeline.errors import BitbrushError, ImageError, SettingsError, StreamError
from pipeline.ui.checks import clear_errors


class UploadedFile(BaseModel):
    """Refuses whatever is not the description of a file."""

    refusal: ClassVar[BitbrushError]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        with clear_errors():
            try:
                return super().model_validate(obj, **options)
            except ValidationError:
                raise cls.refusal from None


class UploadedPhoto(UploadedFile, ImageData):
    refusal: ClassVar = ImageError("The photo must be an uploaded picture file.")


class UploadedStream(UploadedFile, FileData):
    refusal: ClassVar = StreamError("The stream must be an uploaded .bbr file.")


class PhotoInput(gr.Image):
    """An image input that hands over the uploaded file untouched, whatever is in it."""

    is_template = True
    data_model = UploadedPhoto

    def preprocess(self, payload: ImageData | None) -> str | None:
        if payload is None or not payload.path:
            return None
        with clear_errors():
            check_upload(payload.path, UploadedPhoto.refusal)
        return payload.path


def check_upload(path: str, refusal: BitbrushError) -> None:
    """Raises ``refusal`` for a file that nobody uploaded."""
    if not Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve()):
        raise refusal


class StreamInput(gr.File):
    """A file input that hands over the content, whatever the file is called."""

    is_template = True

    def __init__(self, **options: Any):
        super().__init__(type="binary", **options)
        self.data_model = UploadedStream

    def get_config(self, cls: type | None = None) -> dict[str, Any]:
        # Gradio takes the names of the settings from the signature of the constructor, which is that of a file.
        return super().get_config(cls or gr.File)


class SliderInput(gr.Slider):
    is_template = True

    def preprocess(self, payload: Any) -> float | int:
        return _checked_number(self, payload)


class SeedInput(gr.Number):
    is_template = True

    def preprocess(self, payload: Any) -> int | None:
        return None if payload is None else int(_checked_number(self, payload))


class RadioInput(gr.Radio):
    is_template = True

    def preprocess(self, payload: Any) -> str:
        return _checked_choice(self, payload)


class DropdownInput(gr.Dropdown):
    is_template = True

    def preprocess(self, payload: Any) -> str:
        return _checked_choice(self, payload)


class CheckboxInput(gr.Checkbox):
    is_template = True

    def preprocess(self, payload: Any) -> bool:
        if not isinstance(payload, bool):
            _refuse(self, "true or false", payload)
        return payload


class Prose(gr.HTML):
    """HTML for people only: left out of the API's answers."""

    is_template = True

    @property
    def skip_api(self) -> bool:
        return True


def _checked_number(field: gr.Slider | gr.Number, payload: Any) -> float | int:
    """A number within the field's limits, sent with a point or a comma; a whole one if that is its precision."""
    number, whole = _number(payload), field.precision == 0
    low, high = cast(float, field.minimum), cast(float, field.maximum)
    if number is None or not low <= number <= high or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        _refuse(field, f"{kind} from {low:g} to {high:,}", payload)
    return int(number) if whole else number


def _number(value: Any) -> float | int | None:
    """What was sent, if it is a finite number."""
    if isinstance(value, str):
        try:
            value = float(value.replace(",", "."))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _checked_choice(field: gr.Radio | gr.Dropdown, payload: Any) -> str:
    """One of the field's choices."""
    values = [str(value) for _, value in field.choices]
    if payload not in values:
        _refuse(field, f"one of {', '.join(values)}", payload)
    return str(payload)


def _refuse(field: gr.components.Component, wanted: str, payload: Any) -> NoReturn:
    shown = "empty" if payload is None else f"“{str(payload)[:40]}”"
    with clear_errors():
        raise SettingsError(f"“{field.label}” must be {wanted}, not {shown}.")
