# The page on a CPU: docker build -t bitbrush . && docker run --rm -p 7860:7860 bitbrush
FROM python:3.11.14-slim-bookworm

# PyTorch's own index has wheels without CUDA, which are 4 GB smaller.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 GRADIO_ANALYTICS_ENABLED=False \
    BITBRUSH_OFFLINE=1 HOME=/home/bitbrush

RUN useradd --uid 10001 --create-home bitbrush
WORKDIR /srv/bitbrush

# Packages before code, so that a change of code installs nothing anew.
COPY requirements.txt requirements-serve.txt ./
ARG REQUIREMENTS=requirements.txt
RUN pip install --extra-index-url ${TORCH_INDEX} -r ${REQUIREMENTS}

COPY app.py LICENSE ./
COPY pipeline ./pipeline
COPY checkpoints ./checkpoints
COPY assets/README.md ./assets/
COPY assets/examples ./assets/examples
COPY assets/figures ./assets/figures
COPY assets/results ./assets/results

USER bitbrush
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/', timeout=4)"]
CMD ["python", "app.py"]
