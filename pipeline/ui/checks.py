"""What is refused before any work is done, and how users are told."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
import numpy as np

from pipeline.errors import BitbrushError, ImageError, StreamError
from pipeline.pictures import image_size, read_picture
from pipeline.stream import read_header
from pipeline.ui.answers import Viewable
from pipeline.ui.files import RunFolder, file_stem, touch_folder
from pipeline.ui.report import header_in_words, sentence

_BROWSER_STARTS = (b"\x89PNG", b"\xff\xd8", b"GIF8", b"BM")
_log = logging.getLogger(__name__)


def check_photo_run(photo: str | None, seed: int | None) -> None:
    """Raises what is wrong with a photo, from the file's header alone, before a run is queued; with the seed, its
    component does."""
    check_photo(photo)


def check_photo(photo: str | None) -> None:
    """Raises what is wrong with a photo, from the file's header alone."""
    checked_photo(photo)


def checked_photo(photo: str | None) -> str:
    """The photo, if nothing is wrong with it."""
    with clear_errors():
        if not photo:
            raise ImageError("There is no photo yet; upload one or pick an example.")
        _keep(photo)
        image_size(photo)
        return photo


def _keep(photo: str) -> None:
    """Makes a photo in use count as new, as Gradio deletes old uploads."""
    try:
        os.utime(photo)
        touch_folder(photo)
    except FileNotFoundError:
        raise ImageError("The photo is no longer kept here; choose it again.") from None
    except OSError:
        pass  # an example of a read-only installation or file system, which nothing deletes


def viewable(photo: str | None) -> Viewable:
    """A photo as browsers can show it: the same pixels as a PNG file, if its own format is not one of theirs. What has
    to be said about such a file is said at once, as its PNG file tells nothing of it."""
    with clear_errors():
        if photo is None or _shown_by_browsers(photo):
            return Viewable()
        picture = read_picture(photo)
        shown = RunFolder().picture(file_stem(photo, "photo"), np.asarray(picture.image))
        said = sentence(" ".join(picture.notes)) if picture.notes else None
        return Viewable(shown, {"photo": photo, "shown": shown, "status": said})


def _shown_by_browsers(photo: str) -> bool:
    with open(photo, "rb") as file:
        start = file.read(32)
    return start.startswith(_BROWSER_STARTS) or start[8:12] == b"WEBP" or (start[4:8] == b"ftyp" and b"avi" in start)


def check_stream_run(stream: bytes | None, seed: int | None) -> None:
    """Raises what is wrong with a stream, before a run is queued; with the seed, its component does."""
    checked_stream(stream)


def checked_stream(stream: bytes | None) -> bytes:
    """The stream, if nothing is wrong with it."""
    with clear_errors():
        if stream is None:
            raise StreamError("There is no stream yet; upload a .bbr file.")
        read_header(stream)
        return stream


def describe(stream: bytes | None) -> str:
    """The header of an uploaded stream in words, or what is wrong with it."""
    if stream is None:
        return ""
    try:
        return header_in_words(read_header(stream))
    except StreamError as error:
        return sentence(str(error))


@contextmanager
def clear_errors() -> Iterator[None]:
    """Shows users the sentence of a `BitbrushError`, and an apology for anything else, which goes to the log."""
    try:
        yield
    except BitbrushError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except gr.Error:
        raise
    except Exception as error:
        _log.exception("A run failed")
        raise gr.Error(
            "Something inside Bitbrush failed; the server's log says what. Try again, or with a smaller picture.",
            print_exception=False,
        ) from error
