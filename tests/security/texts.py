"""Texts that try to be more than text, and what must be true of whatever shows them."""

import unicodedata

from hypothesis import strategies as st

CORPUS = [
    "::set-output name=version::evil",
    "\n::error::x",
    "\r\n::stop-commands::t",
    "\r::error::x",
    "##[add-mask]b",
    "a##[error]b",
    "\u00a0::warning::x",
    "\u2028::error::x",
    "\u2029::error::x",
    "\u0085::error::x",
    "\x0b::error::x",
    "\x1b[2J\x1b[1;1Herror: all is lost",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x00",
    "\x7f\x08\x08\x08",
    "\u202egpj.exe\u202c",
    "\u2066\u2069\u200e\u200f\u061c",
    "\ufeff::error::x",
    "\u200b::error::x",
    "\udc80\ud800",
    "\U000e0041\U000e0042",
    "x" * 5_000,
    "\n" * 2_000,
    "<script>alert(1)</script> | `code` [link](http://x)",
    "name<<EOF\nvalue\nEOF\nversion=evil",
    "$(id) `id` ${{ secrets.X }} %0A::error::x",
]

STORABLE = [text for text in CORPUS if "\ud800" not in text]
"""Those that UTF-8 can hold."""

MAX_ERROR_CHARACTERS = 8_000

unsafe_text = st.one_of(
    st.sampled_from(CORPUS),
    st.text(max_size=40),
    st.lists(
        st.one_of(
            st.sampled_from(["::", "##[", "]", "\r", "\n", "\x1b[31m", "\0", "\u202e", "\u2028"]),
            st.sampled_from(
                ["\u0085", "\udcff", "error", "=", "@", "/", "..", '"', "'", "\\", "{"]
            ),
            st.text(max_size=5),
        ),
        max_size=12,
    ).map("".join),
)


def is_harmless(text: str) -> bool:
    """Say whether *text* can be shown: it moves no cursor, hides nothing, and breaks no line."""
    return not any(_is_harmful(character) for character in text)


def _is_harmful(character: str) -> bool:
    if character == "\n":
        return False
    # Controls, formats (the bidirectional ones among them), surrogates, line and paragraph ends.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
