"""Where Gradio keeps its files; to be settled before Gradio is imported."""

import atexit
import os
import shutil
import tempfile


def own_folder() -> str:
    """The folder that ``GRADIO_TEMP_DIR`` names; without it a new one of this process alone, removed at its end. The
    one that Gradio would take may belong to another user."""
    folder = os.environ.get("GRADIO_TEMP_DIR")
    if not folder:
        folder = tempfile.mkdtemp(prefix="bitbrush-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
