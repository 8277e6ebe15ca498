"""The codec as the page uses it: loaded once, on first need, and never asked twice for the same stream."""

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from pipeline.settings import Decoder, DecodeSettings

if TYPE_CHECKING:
    from pipeline.codec import Codec

RateControl = Literal["bpp", "quality"]
STREAMS_KEPT = 64
_log = logging.getLogger(__name__)


def shipped_codec() -> "Codec":
    """The codec over the checkpoints that come with Bitbrush."""
    from pipeline.codec import Codec

    return Codec.from_pretrained()


class Engine:
    """One codec for all sessions, and the streams it made lately."""

    def __init__(self, codec_factory: Callable[[], "Codec"] = shipped_codec):
        self._factory = codec_factory
        self._codec: Codec | None = None
        self._loading = threading.Lock()
        self._encoding = threading.Lock()
        self._streams: OrderedDict[tuple[bytes, RateControl, float], bytes] = OrderedDict()

    @property
    def codec(self) -> "Codec":
        with self._loading:
            if self._codec is None:
                self._codec = self._factory()
            return self._codec

    def encode(self, photo: bytes, image: Image.Image, control: RateControl, value: float) -> bytes:
        """The stream of ``image`` at a target ``"bpp"`` or a ``"quality"``.

        Args:
            photo: the file ``image`` was loaded from; its hash and the rate are the key of the cache.
        """
        key = hashlib.sha256(photo).digest(), control, value
        with self._encoding:
            if key not in self._streams:
                self._streams[key] = self.codec.encode(image, **{control: value})
                if len(self._streams) > STREAMS_KEPT:
                    self._streams.popitem(last=False)
            self._streams.move_to_end(key)
            return self._streams[key]

    def warm_up(self) -> None:
        """Load every model in a background thread, so that the first visitor does not wait for it."""
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        from pipeline.metrics import measure

        try:
            image = Image.fromarray(np.full((64, 64, 3), 128, np.uint8))
            stream = self.codec.encode(image, quality=0.5)
            for decoder in (Decoder.DIFFUSION, Decoder.FLOW):
                *_, last = self.codec.decode(stream, DecodeSettings(decoder, num_inference_steps=1))
            measure(np.asarray(image), last.image)
        except Exception as error:
            _log.warning("Models are not ready yet, and will be asked for again when a visitor needs them: %s", error)
