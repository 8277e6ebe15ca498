"""Typed errors whose message is a full sentence that says what to do."""


class BitbrushError(Exception):
    """Base of every error a user can cause; its text is fit to be shown as it is."""


class ImageError(BitbrushError):
    """The file is not a picture that can be compressed."""


class StreamError(BitbrushError):
    """The stream is damaged, foreign, or made by a newer version or another model."""


class SettingsError(BitbrushError):
    """A setting is out of its range."""
