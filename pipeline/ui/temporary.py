"""Where Gradio keeps its files, to be settled before Gradio is imported, and which of them it remembers."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr


def own_folder() -> str:
    """The folder that ``GRADIO_TEMP_DIR`` names; without it a new one of this process alone, removed at its end. The
    one that Gradio would take may belong to another user."""
    folder = os.environ.get("GRADIO_TEMP_DIR")
    if not folder:
        folder = tempfile.mkdtemp(prefix="bitbrush-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class FileNames(set[str]):
    """Files that Gradio's clean-up walks through in a thread while others come: a copy is walked through, and what is
    no longer there is forgotten. A plain set ends the clean-up for good, and grows with every preview."""

    def __iter__(self) -> Iterator[str]:
        names = list(super().__iter__())
        for name in names:
            if not os.path.lexists(name):
                self.discard(name)
        return iter(names)


def remember_files(page: "gr.Blocks") -> None:
    """Lets a page that is built remember its files as `FileNames`."""
    page.upload_file_set = FileNames()
    page.temp_file_sets = [page.upload_file_set]
    for block in page.blocks.values():
        if hasattr(block, "temp_files"):
            block.temp_files = FileNames(block.temp_files)
            page.temp_file_sets.append(block.temp_files)
