"""Coverage-guided fuzzing of streams: `pip install atheris`, then `python -m tests.guided_fuzz [FOLDER] -runs=100000`.

Half of the inputs are whole streams, the others the fields of a header and a payload, with length and checksum
put right. Each must give a latent or a `StreamError`. Options are libFuzzer's; FOLDER keeps the corpus.
"""

import sys

import atheris

with atheris.instrument_imports(include=["pipeline"]):
    from pipeline.codec import Codec
    from pipeline.errors import StreamError
    from pipeline.stream import MODELS, VERSION, assemble

MOST_PIXELS = 64 * 64
"""Of pictures that are decoded; headers may state any size."""

codec = Codec.from_pretrained(device="cpu")
weights = {number: bytes.fromhex(codec.weights_hash(name)) for number, name in MODELS.items()}


def stream_of(data: bytes) -> bytes:
    fields = atheris.FuzzedDataProvider(data)
    if fields.ConsumeBool():
        return fields.ConsumeBytes(len(data))
    number = fields.ConsumeIntInRange(0, 255)
    hashed = weights[number] if number in weights and fields.ConsumeBool() else fields.ConsumeBytes(4).ljust(4, b"\0")
    version = VERSION if fields.ConsumeBool() else fields.ConsumeIntInRange(0, 255)
    sides = [fields.ConsumeIntInRange(0, 64 if fields.ConsumeBool() else 65535) for _ in range(2)]
    quality, grain = fields.ConsumeIntInRange(0, 65535), fields.ConsumeIntInRange(0, 255)
    return assemble(version, number, hashed, *sides, quality, grain, fields.ConsumeBytes(len(data)))


def one_input(data: bytes) -> None:
    stream = stream_of(data)
    try:
        header, _ = codec.read(stream)
        if header.width * header.height <= MOST_PIXELS:
            codec.decode_latent(stream)
    except StreamError:
        pass


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
