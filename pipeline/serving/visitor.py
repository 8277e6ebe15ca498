"""A browser without a screen: runs a photo, fetches every picture that the page shows, and counts bytes."""

import re
import time
from pathlib import Path

import httpx

from pipeline.settings import DEFAULT_SETTINGS
from pipeline.ui.choices import DEFAULT_MAP, RANGES, Preset
from pipeline.ui.engine import codec_behind

_FILE = re.compile(r'gradio_api/file=[^"\\?#\s<>]+')


class Visitor:
    """One visitor of the page at an address."""

    def __init__(self, url: str):
        self._http = httpx.Client(base_url=url, timeout=None)
        self.uploaded = self.downloaded = 0
        """Bytes of bodies, as they travel."""
        self.seconds = 0.0
        """CPU-seconds that the visitor's own thread took."""
        self.error: Exception | None = None

    def run(self, photo: Path, preset: Preset) -> None:
        """Uploads a photo, runs it with a preset, and fetches every picture as soon as it is named. What goes wrong is
        kept in `error`, for this is called in a thread."""
        try:
            self._run(photo, preset)
        except Exception as error:
            self.error = error
        self.seconds = time.thread_time()

    def _run(self, photo: Path, preset: Preset) -> None:
        content = photo.read_bytes()
        (path,) = self._http.post("/gradio_api/upload", files={"files": (photo.name, content)}).json()
        self.uploaded += len(content)
        own = DEFAULT_SETTINGS[codec_behind(preset.rate)]
        rates = [preset.value if rate == preset.rate else usual for rate, (_, _, usual) in RANGES.items()]
        file = {"path": path, "orig_name": photo.name, "meta": {"_type": "gradio.FileData"}}
        data: list[object] = [file, preset.rate, *rates, own.decoder.value, own.num_inference_steps, preset.noise_level]
        data += [1, DEFAULT_MAP.value, None]  # seed, quality map, mask
        event = self._http.post("/gradio_api/call/compress", json={"data": data}).json()["event_id"]
        seen: set[str] = set()
        with self._http.stream("GET", f"/gradio_api/call/compress/{event}") as answer:
            for line in answer.iter_lines():
                if line == "event: error":
                    raise RuntimeError(f"The page could not run {preset.name}; its log says why.")
                self.downloaded += len(line)
                for file_url in {*_FILE.findall(line)} - seen:
                    seen.add(file_url)
                    self._get(f"/{file_url}")

    def _get(self, url: str) -> None:
        with self._http.stream("GET", url) as answer:
            answer.raise_for_status()
            answer.read()
            self.downloaded += answer.num_bytes_downloaded
