"""Any file that a host may send: decoded for real and stored anew, or refused by the field `image`."""

import base64
import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from servicekit.errors import InvalidInput
from travel.errors import PictureKindRefused, PictureTooLarge, UnreadablePicture
from travel.pictures import MOST_BYTES, SIZES, of_base64, of_bytes

ORIENTATION, GPS = 0x0112, 0x8825
KINDS = ("JPEG", "PNG", "WEBP")


def picture(kind: str, size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: object) -> bytes:
    """Its left half is red, its right half blue."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **options)
    return out.getvalue()


def opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def is_red(pixel: tuple[int, ...]) -> bool:
    return pixel[0] > 150 and pixel[2] < 100


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_becomes_two_webp_files_of_bounded_size(kind):
    made = of_bytes(picture(kind, (3200, 1200)))
    assert (made.width, made.height) == (1600, 600)
    assert {size: (opened(file).format, opened(file).size) for size, file in made.files.items()} == {
        "large": ("WEBP", (1600, 600)),
        "thumb": ("WEBP", (480, 180)),
    }


def test_a_small_picture_is_not_enlarged():
    made = of_bytes(picture("PNG", (40, 20)))
    assert {opened(file).size for file in made.files.values()} == {(40, 20)}


def test_a_phones_picture_is_turned_upright_and_tells_no_place():
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was turned: show it turned by 90° clockwise
    exif.get_ifd(GPS).update({1: "N", 2: (30.0, 15.0, 0.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sent = picture("JPEG", (40, 20), exif=exif, icc_profile=profile)
    assert opened(sent).getexif()[ORIENTATION] == 6

    made = of_bytes(sent)
    assert (made.width, made.height) == (20, 40)
    for file in made.files.values():
        shown = opened(file)
        assert is_red(shown.convert("RGB").getpixel((10, 5)))
        assert not is_red(shown.convert("RGB").getpixel((10, 35)))
        assert (dict(shown.getexif()), shown.info.get("icc_profile"), shown.info.get("xmp")) == ({}, None, None)
        assert not any(each in file for each in (b"EXIF", b"ICCP", b"XMP "))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "1"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("PNG", "I;16"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGBA"),
    ],
)
def test_every_mode_of_colour_is_taken(kind, mode):
    assert of_bytes(picture(kind, (40, 20), mode)).width == 40


def test_what_is_transparent_becomes_white():
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(out, "PNG")
    assert min(opened(of_bytes(out.getvalue()).files["large"]).convert("RGB").getpixel((5, 5))) > 250


def test_the_sides_of_a_very_long_picture_stay_at_least_a_pixel():
    made = of_bytes(picture("PNG", (16000, 2)))
    assert opened(made.files["thumb"]).size == (480, 1)


def test_a_kind_that_is_not_taken_is_named():
    for kind in ("GIF", "BMP", "TIFF"):
        with pytest.raises(PictureKindRefused) as refused:
            of_bytes(picture(kind))
        assert (refused.value.params["kind"], refused.value.field) == (kind, "image")
    with pytest.raises(PictureKindRefused) as refused:
        of_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(100))
    assert refused.value.params["kind"] == "HEIC"


@pytest.mark.parametrize("file", [b"", b"hello", b"\x00\x00\x00\x18ftypqt  ", bytes(1000)])
def test_what_is_no_picture_is_unreadable(file):
    with pytest.raises(UnreadablePicture) as refused:
        of_bytes(file)
    assert refused.value.field == "image"


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_cut_short_is_unreadable(kind):
    whole = picture(kind, (400, 300), quality=95) if kind != "PNG" else picture(kind, (400, 300))
    with pytest.raises(UnreadablePicture):
        of_bytes(whole[: len(whole) // 2])


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(4000, 4001), (10_000, 10_000), (60_000, 60_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(size):
    with pytest.raises(PictureTooLarge) as refused:
        of_bytes(png_header(*size))
    assert (refused.value.field, "pixels" in refused.value.detail) == ("image", True)


def test_a_phones_fifty_megapixels_are_too_many_and_forty_are_not():
    out = io.BytesIO()
    Image.new("L", (8000, 5000)).save(out, "JPEG")
    assert of_bytes(out.getvalue()).width == 1600
    out = io.BytesIO()
    Image.new("L", (8000, 5001)).save(out, "JPEG")
    with pytest.raises(PictureTooLarge) as refused:
        of_bytes(out.getvalue())
    assert "40000000 pixels" in refused.value.detail


def test_a_jpeg_for_print_has_no_more_pixels_than_other_formats():
    out = io.BytesIO()
    Image.new("CMYK", (4000, 4001)).save(out, "JPEG")
    with pytest.raises(PictureTooLarge) as refused:
        of_bytes(out.getvalue())
    assert "16000000 pixels" in refused.value.detail


def test_too_many_bytes_are_refused():
    with pytest.raises(PictureTooLarge) as refused:
        of_bytes(bytes(MOST_BYTES + 1))
    assert "3000000 bytes" in refused.value.detail


def test_what_is_no_base64_is_refused():
    for text in ("data:image/png;base64,AAAA", "AAA", "照片"):
        with pytest.raises(InvalidInput) as refused:
            of_base64(text)
        assert refused.value.field == "image"
    assert of_base64(base64.b64encode(picture("PNG")).decode()).width == 40


@given(
    kind=st.sampled_from(KINDS),
    cut=st.integers(0, 4000),
    places=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8),
)
@settings(deadline=None, max_examples=300)
def test_a_damaged_file_is_a_picture_or_refused_and_nothing_else(kind, cut, places):
    file = bytearray(picture(kind, (64, 48)))
    for place, value in places:
        file[place % len(file)] = value
    try:
        made = of_bytes(bytes(file[: max(1, cut)]))
    except (PictureTooLarge, PictureKindRefused, UnreadablePicture):
        return
    assert max(made.width, made.height) <= SIZES["large"]
    assert set(made.files) == set(SIZES)


@given(width=st.integers(1, 2400), height=st.integers(1, 2400))
@settings(deadline=None, max_examples=40)
def test_the_shape_is_kept(width, height):
    made = of_bytes(picture("PNG", (width, height)))
    longest = max(width, height)
    scale = min(1, SIZES["large"] / longest)
    assert abs(made.width - width * scale) <= 1
    assert abs(made.height - height * scale) <= 1
