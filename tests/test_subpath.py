"""The page behind a proxy, under a sub-path: what the browser is told, uploads, queue and downloads."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from gradio_client import Client, handle_file
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import app
from pipeline.codec import Codec
from pipeline.pictures import load_image

pytest_plugins = ["tests.app_fixtures"]
PATH = "/bitbrush"
HOP_BY_HOP = {"connection", "content-length", "host", "transfer-encoding"}


def reverse_proxy(upstream: str) -> Starlette:
    """Takes `PATH` away, passes everything else on, and says where it was asked, as compose.yaml's proxy does."""
    client = httpx.AsyncClient(base_url=upstream, timeout=None)

    async def forward(request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
        headers |= {"x-forwarded-host": request.headers["host"], "x-forwarded-proto": "http"}
        url = f"/{request.path_params['path']}?{request.url.query}"
        content = await request.body()
        sent = client.build_request(request.method, url, headers=headers, content=content)
        answer = await client.send(sent, stream=True)
        kept = {name: value for name, value in answer.headers.items() if name not in HOP_BY_HOP}

        async def body() -> AsyncIterator[bytes]:
            async for part in answer.aiter_raw():
                yield part
            await answer.aclose()

        return StreamingResponse(body(), answer.status_code, kept)

    return Starlette(routes=[Route(PATH + "/{path:path}", forward, methods=["GET", "HEAD", "POST"])])


@pytest.fixture(scope="module")
def address(codec: Codec) -> Iterator[str]:
    """Of the page as visitors see it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PATH)
        page = app.build_app(lambda: codec)
        inner, outer = app.free_port(), app.free_port()
        app.launch(page, server_name="127.0.0.1", server_port=inner, prevent_thread_lock=True, quiet=True)
        proxy = reverse_proxy(f"http://127.0.0.1:{inner}")
        server = uvicorn.Server(uvicorn.Config(proxy, port=outer, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{outer}{PATH}"
        server.should_exit = True
        thread.join()
        page.close(verbose=False)


def test_the_page_asks_for_everything_below_its_path(address: str):
    assert httpx.get(f"{address}/config").json()["root"] == address
    assert httpx.get(f"{address}/").status_code == 200


def test_a_run_passes_through_the_proxy(address: str, codec: Codec, photo: Path):
    client = Client(f"{address}/", verbose=False)
    job = client.submit(
        handle_file(str(photo)), rate="quality", quality=0.3, steps=2, seed=1, quality_map="even", api_name="/compress"
    )
    *_, stream, _ = job.result()
    assert Path(stream).read_bytes() == codec.encode(load_image(photo), quality=0.3)
    assert len(job.outputs()) > 3, "previews come one by one"


def test_downloads_are_links_below_the_path(address: str, photo: Path):
    client = Client(f"{address}/", verbose=False, download_files=False)
    settings = {"rate": "quality", "quality": 0.3, "steps": 1, "seed": 1}
    *_, stream, picture = client.predict(handle_file(str(photo)), **settings, api_name="/compress")
    for file in (stream, picture):
        assert file["url"].startswith(f"{address}/gradio_api/file=")
        assert httpx.get(file["url"]).status_code == 200
