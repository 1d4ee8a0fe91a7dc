"""Which names of an archive's members would be one file on some disk."""

import unicodedata


def folded(name: str) -> str:
    """Return what *name* and every name that could be the same file have in common.

    Some file systems take the two spellings that Unicode has for one text for the same name, and
    some take upper and lower case for the same.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
