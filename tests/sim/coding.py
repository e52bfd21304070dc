"""Content codings: of answers, piece by piece with a flush after each, and undone in requests.

br and zstd need python3-brotli and python3-zstandard; without them a client that offers them gets another one."""
import zlib

try:
    import brotli
except ImportError:
    brotli = None
try:
    import zstandard
except ImportError:
    zstandard = None


class Zlib:
    def __init__(self, window):
        self.z = zlib.compressobj(6, zlib.DEFLATED, window)

    def piece(self, data):
        return self.z.compress(data) + self.z.flush(zlib.Z_SYNC_FLUSH)

    def end(self):
        return self.z.flush()


class Brotli:
    def __init__(self):
        self.z = brotli.Compressor(quality=5)

    def piece(self, data):
        return self.z.process(data) + self.z.flush()

    def end(self):
        return self.z.finish()


class Zstd:
    def __init__(self):
        self.z = zstandard.ZstdCompressor().compressobj()

    def piece(self, data):
        return self.z.compress(data) + self.z.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self):
        return self.z.flush()


MAKE = {"gzip": lambda: Zlib(31), "deflate": lambda: Zlib(15)}
UNDO = {"gzip": lambda data: zlib.decompress(data, 47), "deflate": zlib.decompress}
if brotli:
    MAKE["br"], UNDO["br"] = Brotli, lambda data: brotli.decompress(data)
if zstandard:
    MAKE["zstd"], UNDO["zstd"] = Zstd, lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)


def chosen(accepted, wanted=None):
    """What an answer is coded in, for a client that accepts this; None: in nothing. `wanted` if it is accepted, or else gzip,
    or else what the client names first."""
    names = [word.split(";")[0].strip() for word in accepted.split(",")]
    for name in [wanted, "gzip", *names]:
        if name in names and name in MAKE:
            return name
    return None


def coded(name, pieces):
    z = MAKE[name]()
    for piece in pieces:
        yield z.piece(piece)
    yield z.end()


def plain(codings, body):
    """The body of a request with its codings undone; ValueError: one that is not known."""
    for name in reversed([word.strip() for word in codings.split(",") if word.strip() not in ("", "identity")]):
        if name not in UNDO:
            raise ValueError(f"content-encoding {name}")
        try:
            body = UNDO[name](body)
        except Exception as e:  # noqa: BLE001: each library has its own
            raise ValueError(f"not {name}: {e}") from e
    return body
