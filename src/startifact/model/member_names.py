"""Which names of an archive's members would be one file on some disk."""

import unicodedata

_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
"""Characters without a shape that HFS+, which macOS had before APFS, passes over in names."""


def folded(name: str) -> str:
    """Return what *name* and every name that could be the same file have in common.

    Some file systems take the two spellings that Unicode has for one text for the same name, some
    take upper and lower case for the same, and one passes over characters that nobody sees.
    """
    if not name.isascii():
        name = name.translate(_IGNORED)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
