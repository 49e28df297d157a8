#!/usr/bin/env -S python3 -P
"""Makes up small pictures of every kind and records what Pillow and transformers make of them, for the tests of images.

    images.py [FOLDER]      default: tests

Pictures go to fuzz/corpus/image, where they are also what a fuzzer begins with; what Pillow decodes them to, upright
and converted to RGB, is 'decode.<name>' of parity/images.safetensors. 'resize.<w>.<h>.<to w>.<to h>.<filter>' is
Image.resize, 'prepare.<name>.<w>.<h>' the image processor (those on Pillow) of parity/images/<name>.json, both of a
picture that is computed. -P: a script beside this one has the name of a library that transformers needs.
"""
import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file
from transformers.models.beit.image_processing_pil_beit import BeitImageProcessorPil
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil
from transformers.models.mobilenet_v2.image_processing_pil_mobilenet_v2 import MobileNetV2ImageProcessorPil
from transformers.models.mobilevit.image_processing_pil_mobilevit import MobileViTImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

WIDTH, HEIGHT = 17, 11
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
PREPARATIONS = {
    "clip": (CLIPImageProcessorPil, {"size": {"shortest_edge": 16}, "crop_size": {"height": 14, "width": 12}}),
    "clip_old": (CLIPImageProcessorPil, {"size": 14, "crop_size": 14}),
    "clip_padded": (CLIPImageProcessorPil, {"size": {"shortest_edge": 9}, "crop_size": {"height": 13, "width": 24}}),
    "siglip": (SiglipImageProcessorPil, {"size": {"height": 12, "width": 15}}),
    "vit": (ViTImageProcessorPil, {"size": {"height": 13, "width": 13}}),
    "vit_old": (ViTImageProcessorPil, {"size": 10}),
    "dino": (ViTImageProcessorPil, {"size": {"height": 16, "width": 16}, "resample": 3, **IMAGENET}),
    "dinov2": (BitImageProcessorPil, {"size": {"shortest_edge": 18}, "crop_size": {"height": 16, "width": 16}, **IMAGENET}),
    "beit": (BeitImageProcessorPil, {"size": {"height": 9, "width": 11}, "resample": 1}),
    "convnext": (ConvNextImageProcessorPil, {"size": {"shortest_edge": 14}, "crop_pct": 0.875, **IMAGENET}),
    "mobilenet": (MobileNetV2ImageProcessorPil, {"size": {"shortest_edge": 16}, "crop_size": {"height": 14, "width": 14}}),
    "efficientnet": (EfficientNetImageProcessorPil, {"size": {"height": 11, "width": 12}, "resample": 0,
                                                    "rescale_factor": 1 / 127.5, "rescale_offset": True}),
    "mobilevit": (MobileViTImageProcessorPil, {"size": {"shortest_edge": 13}, "crop_size": {"height": 12, "width": 12}}),
}
SOURCES = [(17, 11), (1, 50), (41, 60)]
RESIZES = [(17, 11, 5, 4), (17, 11, 40, 33), (17, 11, 17, 6), (17, 11, 8, 11), (17, 11, 17, 11), (20, 50, 22, 9),
           (20, 50, 12, 40), (1, 1, 7, 5), (90, 3, 2, 21), (37, 35, 36, 34), (64, 48, 5, 3)]


def computed(width, height):
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype(np.int64)
    return ((x * x * 7 + y * 13 * (c + 1) + x * y * 3 + c * 50) % 256).astype(np.uint8)


def smooth():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return Image.fromarray(np.stack([x * 14, y * 22, (x * 5 + y * 9)], -1).astype(np.uint8))


def saved(picture, form, **options):
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def png(width, height, bits, colour, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def with_size(jpeg, width, height):
    changed = bytearray(jpeg)
    at = changed.find(b"\xff\xc0")
    changed[at + 5:at + 9] = struct.pack(">HH", height, width)
    return bytes(changed)


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def make_good():
    rgb, grey = smooth(), smooth().convert("L")
    palette, few = rgb.quantize(16), rgb.quantize(3)
    rgba = rgb.convert("RGBA")
    rgba.putalpha(grey)
    deep = np.asarray(rgb).astype(">u2") * 257
    files = {
        "jpeg": saved(rgb, "JPEG", quality=90),
        "jpeg_444": saved(rgb, "JPEG", quality=90, subsampling=0),
        "jpeg_progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg_grey": saved(grey, "JPEG"),
        "jpeg_cmyk": saved(rgb.convert("CMYK"), "JPEG"),
        "jpeg_restarts": saved(rgb, "JPEG", restart_marker_rows=1),
        "jpeg_profile": saved(rgb, "JPEG", icc_profile=bytes(range(132))),
        "png": saved(rgb, "PNG"),
        "png_grey": saved(grey, "PNG"),
        "png_grey_alpha": saved(rgb.convert("LA"), "PNG"),
        "png_1_bit": saved(rgb.convert("1"), "PNG"),
        "png_alpha": saved(rgba, "PNG"),
        "png_palette": saved(palette, "PNG"),
        "png_palette_2_bits": saved(few, "PNG"),
        "png_palette_transparent": saved(palette, "PNG", transparency=3),
        "png_16_bits": png(WIDTH, HEIGHT, 16, 2, b"".join(b"\0" + row.tobytes() for row in deep)),
        "png_profile": saved(rgb, "PNG", icc_profile=bytes(range(132))),
        "webp": saved(rgb, "WEBP"),
        "webp_alpha": saved(rgba, "WEBP", lossless=True, exact=True),
        "webp_animated": saved(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(180)], lossless=True),
        "gif": saved(palette, "GIF"),
        "gif_animated": saved(palette, "GIF", save_all=True, append_images=[palette.rotate(180)]),
        "tiff": saved(rgb, "TIFF", compression="raw"),
        "tiff_lzw": saved(rgb, "TIFF", compression="tiff_lzw"),
        "tiff_cmyk": saved(rgb.convert("CMYK"), "TIFF"),
        "tiff_palette": saved(palette, "TIFF"),
        "tiff_turned": saved(rgb, "TIFF", exif=turned(6)),
        "bmp": saved(rgb, "BMP"),
        "bmp_alpha": saved(rgba, "BMP"),
        "bmp_palette": saved(palette, "BMP"),
        "webp_turned": saved(rgb, "WEBP", lossless=True, exif=turned(8)),
    }
    for orientation in range(1, 9):
        files[f"png_turned_{orientation}"] = saved(rgb, "PNG", exif=turned(orientation))
    files["jpeg_turned"] = saved(rgb, "JPEG", exif=turned(5).tobytes())
    return files


def make_bad():
    rgb = smooth()
    jpeg = saved(rgb, "JPEG", quality=90)
    return {
        "bad_png_bomb": png(60000, 60000, 8, 2, bytes(1000)),
        "bad_png_short": png(300, 300, 8, 2, bytes(1000)),
        "bad_png_nothing": png(0, 7, 8, 2, b""),
        "bad_jpeg_bomb": with_size(jpeg, 60000, 60000),
        "bad_jpeg_short": with_size(jpeg, 900, 900),
        "bad_tiff_float": saved(rgb.convert("F"), "TIFF"),
        "bad_tiff_lab": saved(Image.new("LAB", (3, 3), (50, 20, 30)), "TIFF"),
        "bad_bmp_1_bit": saved(rgb.convert("1"), "BMP"),
        "bad_text": b"<html>404</html>",
        "bad_empty": b"",
    }


def main():
    preset = pathlib.Path(__file__).resolve().parents[2] / "tests"
    tests = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else preset
    corpus, configs = tests / "fuzz" / "corpus" / "image", tests / "parity" / "images"
    corpus.mkdir(parents=True, exist_ok=True)
    configs.mkdir(parents=True, exist_ok=True)
    recorded = {}
    for name, data in (make_good() | make_bad()).items():
        (corpus / name).write_bytes(data)
        if not name.startswith("bad_"):
            picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
            recorded[f"decode.{name}"] = np.asarray(picture.convert("RGB"))
    for width, height, *to in RESIZES:
        for kind in range(4):
            name = ".".join(str(part) for part in ("resize", width, height, *to, kind))
            recorded[name] = np.asarray(Image.fromarray(computed(width, height)).resize(to, kind))
    for name, (kind, settings) in PREPARATIONS.items():
        processor = kind(**settings)
        said = processor.to_dict()
        if name.endswith("_old"):
            said = {"feature_extractor_type": kind.__name__.replace("ImageProcessorPil", "FeatureExtractor"), **settings}
        (configs / f"{name}.json").write_text(json.dumps(said, indent=1) + "\n")
        for width, height in SOURCES:
            values = processor(Image.fromarray(computed(width, height)), return_tensors="np")["pixel_values"][0]
            recorded[f"prepare.{name}.{width}.{height}"] = np.ascontiguousarray(values)
    save_file(recorded, tests / "parity" / "images.safetensors")


if __name__ == "__main__":
    main()
