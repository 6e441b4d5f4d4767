"""Which characters the bytes of a file mean: byte order marks, UTF-8, GB18030 and the rest."""

import codecs
import re
from pathlib import Path
from typing import Literal, get_args

from charset_normalizer import from_bytes

from weft_engine.errors import NodeError

Encoding = Literal[
    "auto",
    "utf-8",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_kr",
    "windows-1252",
    "windows-1251",
    "iso-8859-15",
    "utf-16",
]
"""The encodings a setting may name; `auto` looks at the file."""

SAMPLE_BYTES = 256 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = [e for e in get_args(Encoding) if e not in {"auto", "utf-8", "utf-16"}]
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


def detect(sample: bytes, *, whole: bool) -> str:
    """Name the encoding of a file from its first bytes.

    Args:
        sample: The first bytes of the file.
        whole: Whether the sample is the whole file; otherwise a character may be cut at its end.

    >>> detect("naïve".encode("utf-8-sig"), whole=True)
    'utf-8-sig'
    >>> detect("订单,地区,金额".encode("gb18030"), whole=True)
    'gb18030'
    """
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name
    if b"\0" in sample:
        raise NodeError(
            "The file holds bytes that text does not have; it is probably not a text file.",
            code="file.not_text",
            hint="Choose a text file, or set the encoding to utf-16 if a program saved it as such.",
        )
    if decodes(sample, "utf-8", whole=whole):
        return "utf-8"
    if decodes(sample, "gb18030", whole=whole) and _looks_like_gb2312(sample):
        return "gb18030"
    best = from_bytes(sample, cp_isolation=_OTHERS).best()
    return best.encoding if best else "windows-1252"


def decodes(sample: bytes, encoding: str, *, whole: bool) -> bool:
    """Tell whether the bytes are valid in an encoding."""
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(sample, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _looks_like_gb2312(sample: bytes) -> bool:
    """Tell Chinese text from accented letters that happen to be valid GB18030.

    Chinese characters in common use are two bytes from A1 up, so they come in runs of even
    length; an accented letter of a Western encoding is one high byte among low ones.
    """
    runs = _HIGH_RUN.findall(sample)
    total = sum(map(len, runs))
    even = sum(len(run) for run in runs if len(run) % 2 == 0 and min(run) >= 0xA1)
    return total > 0 and even / total > 0.8


def resolve(path: Path, encoding: Encoding) -> str:
    """Return the name of the codec to read a file with.

    Raises:
        NodeError: `file.not_text` when the file is not text.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
        whole = not file.read(1)
    if encoding == "auto":
        return detect(sample, whole=whole)
    if encoding == "utf-8" and sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return encoding


def bad_bytes(error: UnicodeDecodeError, *, file: str, line: int | None = None) -> NodeError:
    """Describe bytes that are not text in the encoding in use."""
    where = f"near line {line}" if line else f"at byte {error.start}"
    return NodeError(
        f"{file} has bytes {where} that are not valid {error.encoding}.",
        code="file.bad_encoding",
        hint="Set the encoding the file was saved in; gb18030 and windows-1252 are common.",
        params={"file": file, "encoding": error.encoding, "line": line},
    )


def read_text(path: Path, encoding: Encoding, *, shown: str, limit: int) -> str:
    """Read a whole text file of at most `limit` bytes, without a byte order mark.

    Raises:
        NodeError: `file.too_large`, `file.not_text` or `file.bad_encoding`.
    """
    size = path.stat().st_size
    if size > limit:
        raise NodeError(
            f"{shown} is {size:,} bytes; a text of at most {limit:,} bytes can be read at once.",
            code="file.too_large",
            hint="Read it line by line with the node Read lines, or raise the largest size.",
            params={"file": shown, "size": size, "limit": limit},
        )
    codec = resolve(path, encoding)
    try:
        return path.read_bytes().decode(codec).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise bad_bytes(error, file=shown) from error
