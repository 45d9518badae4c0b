"""A host's picture as guests see it: decoded for real, turned upright, without metadata, in two sizes of WebP. Pure; costs
up to some seconds of a processor and 300 MB, so callers run it in a thread, one at a time."""

import base64
import binascii
import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError

from servicekit.errors import InvalidInput
from travel.errors import PictureKindRefused, PictureTooLarge, UnreadablePicture

MOST_BYTES = 3_000_000
"""Of a picture as it is sent: as base64 it still passes the sidecars, which take bodies of 4 MiB (dapr/dapr.yaml)."""
MOST_PIXELS = {"JPEG": 40_000_000, "PNG": 16_000_000, "WEBP": 16_000_000}
"""A JPEG is decoded at a fraction of its size, the others whole and more than once: a pod has 512 MiB."""
SIZES = {"thumb": 480, "large": 1600}
"""The longest side in pixels; smaller pictures are not enlarged."""
QUALITY = 80
_REFUSED_KINDS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "SVG",
}
_REFUSED_BRANDS = {b"avif": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"msf1": "HEIC"}
"""ISO media files tell what they are in bytes 8 to 12."""
_SCALED_AS_IT_IS = frozenset({"RGB", "RGBA", "L"})


@dataclass(frozen=True)
class Picture:
    """`width` and `height` are those of the large one, in pixels; `files` has a WebP for each of SIZES."""

    width: int
    height: int
    files: dict[str, bytes]


def of_base64(text: str) -> Picture:
    """Raises what `of_bytes` raises, and InvalidInput for what is no base64; all name the field `image`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("must be base64", field="image") from None
    return of_bytes(data)


def most_pixels(kind: str, mode: str) -> int:
    """Of a picture of this format and mode, as Pillow names them. The whole of a progressive JPEG is held in coefficients,
    and one for print has four planes of them: 40 million pixels would take 360 MB."""
    return min(MOST_PIXELS.values()) if mode == "CMYK" else MOST_PIXELS[kind]


def of_bytes(data: bytes) -> Picture:
    """Raises PictureTooLarge, PictureKindRefused, UnreadablePicture."""
    if len(data) > MOST_BYTES:
        raise PictureTooLarge(f"at most {MOST_BYTES} bytes", field="image")
    large = _upright(data)
    thumb = large.copy()
    thumb.thumbnail((SIZES["thumb"], SIZES["thumb"]), Image.Resampling.LANCZOS)
    return Picture(*large.size, {"thumb": _webp(thumb), "large": _webp(large)})


def _upright(data: bytes) -> Image.Image:
    """In RGB, at most as large as `large`. What is transparent becomes white."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = ImageOps.exif_transpose(_decoded(data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureTooLarge("far too many pixels", field="image") from None
    except PictureTooLarge:
        raise
    except UnidentifiedImageError:
        raise _refusal(data) from None
    except Exception as error:  # noqa: BLE001 - on a broken file a decoder raises whatever it stumbles over
        raise UnreadablePicture(f"{type(error).__name__} while it was decoded", field="image") from None
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("RGB")


def _decoded(data: bytes) -> Image.Image:
    """The first frame, as it lies in the file, at most as large as `large`."""
    file = Image.open(io.BytesIO(data), formats=list(MOST_PIXELS))
    most = most_pixels("JPEG" if isinstance(file, JpegImagePlugin.JpegImageFile) else str(file.format), file.mode)
    if file.width * file.height > most:
        raise PictureTooLarge(f"at most {most} pixels", field="image")
    size = (SIZES["large"], SIZES["large"])
    if isinstance(file, JpegImagePlugin.JpegImageFile):
        file.draft("RGB", size)  # decodes an eighth, a quarter or a half of it: less memory and time
    plain = file.mode in _SCALED_AS_IT_IS
    image = file if plain else file.convert("RGBA" if file.has_transparency_data else "RGB")
    image.thumbnail(size, Image.Resampling.LANCZOS)
    return image


def _refusal(data: bytes) -> PictureKindRefused | UnreadablePicture:
    """What the file is, where that can be said."""
    kind = next((name for begin, name in _REFUSED_KINDS.items() if data.startswith(begin)), None)
    if data[4:8] == b"ftyp":
        kind = _REFUSED_BRANDS.get(data[8:12])
    if kind is None:
        return UnreadablePicture("no JPEG, PNG or WebP", field="image")
    return PictureKindRefused(f"{kind} is not taken", field="image", kind=kind)


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()
