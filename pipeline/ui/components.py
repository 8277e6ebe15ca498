"""Gradio components with a behaviour of their own; the page's other components are plain Gradio."""

import gradio as gr


class PhotoInput(gr.Image):
    """An image input that hands over the uploaded file untouched, whatever is in it."""

    is_template = True

    def preprocess(self, payload):
        return payload.path if payload else None


class Prose(gr.HTML):
    """HTML for people only: left out of the API's answers."""

    is_template = True

    @property
    def skip_api(self) -> bool:
        return True
