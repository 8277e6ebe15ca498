"""What a release stores."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from pipeline.training.release import release
from pipeline.ultralow.painter import LatentPainter
from tests.test_ultralow import tiny_coder, tiny_painter


def test_a_release_keeps_in_16_bits_what_streams_are_decoded_with(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "ultralow"
    coder, painter = tiny_coder(), tiny_painter()
    coder.save_pretrained(run / "model" / "coder")
    painter.save_pretrained(run / "model" / "painter")
    (run / "training.json").write_text("{}")
    release(run.parent, tmp_path / "checkpoints")
    dtypes = {}
    for name in ("ultralow", "painter"):
        stored = load_file(tmp_path / "checkpoints" / name / "diffusion_pytorch_model.safetensors")
        dtypes |= {f"{name}.{weight}": value.dtype for weight, value in stored.items()}
    eight = {name for name, dtype in dtypes.items() if dtype is torch.float8_e4m3fn}
    assert eight and all(name.startswith(("painter.", "ultralow.distortion_encoder.")) for name in eight)
    loaded = LatentPainter.from_pretrained(
        tmp_path / "checkpoints" / "painter", torch_dtype=torch.float32, low_cpu_mem_usage=False
    )
    for name, value in painter.named_parameters():
        torch.testing.assert_close(loaded.get_parameter(name), value, rtol=2**-4, atol=2**-10)
