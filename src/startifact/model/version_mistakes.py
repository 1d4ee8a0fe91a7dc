"""What is wrong with a text that is no semantic version, and which one may be meant."""

import re

from semver import Version

from startifact.lazy_dataclasses import dataclass
from startifact.text import quoted

_REF = re.compile(r"refs/(?:tags|heads)/(?P<name>.+)", re.ASCII)
_FOUR_PARTS = re.compile(r"(?P<three>\d+\.\d+\.\d+)\.(?P<more>\d+(?:\.\d+)*)", re.ASCII)
_MARKED = re.compile(r"\s*(?P<mark>[=vV]*)(?P<bare>.*?)\s*", re.DOTALL)
_END_OF_NAME = re.compile(r"[-_@/]v?(?=\d)", re.ASCII)
_NUMBERS = re.compile(r"\d+(?:\.\d+){2}(?=$|[-+])", re.ASCII)

# What PEP 440 has beyond three numbers, in the forms that it normalises to and the usual others.
_PEP_440 = re.compile(
    r"""
    (?:(?P<epoch>\d+)!)?
    (?P<release>\d+(?:\.\d+){0,2})
    (?:[._-]?(?P<pre>alpha|beta|preview|pre|rc|a|b|c)[._-]?(?P<pre_number>\d*))?
    (?:[._-]?(?P<post>post|rev|r)[._-]?(?P<post_number>\d*))?
    (?:[._-]?(?P<dev>dev)[._-]?(?P<dev_number>\d*))?
    (?:\+(?P<local>[a-z0-9]+(?:[._-][a-z0-9]+)*))?
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_PRERELEASES = {"a": "alpha", "b": "beta", "c": "rc", "pre": "rc", "preview": "rc"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, as a sentence without a full stop, and the version that may be meant."""

    what: str
    meant: str | None


def mistake_in(text: str) -> Mistake | None:
    """Return what is wrong with *text*, which is no version; ``None`` where that is not known."""
    if ref := _REF.fullmatch(text):
        return Mistake("it is the whole name of a Git reference", _meant(ref["name"]))
    marked = _MARKED.fullmatch(text)
    mark, bare = marked.groups() if marked else ("", text)
    if text != bare and (meant := _if_version(bare)):
        prefix = f"it has the prefix {quoted(mark)}"
        return Mistake("it has white space around it" if text.strip() != text else prefix, meant)
    if four := _FOUR_PARTS.fullmatch(bare):
        count = 3 + len(four["more"].split("."))
        return Mistake(f"it has {count} numbers, expected three", _four(four))
    if (numbers := _NUMBERS.match(bare)) and (zeros := _with_leading_zeros(numbers[0])):
        fixed = _without_leading_zeros(numbers[0]) + bare[numbers.end() :]
        return Mistake(f"{zeros} has a leading zero", _if_version(fixed))
    return _with_zeros_in_prerelease(bare) or _pep_440(bare) or _behind_a_name(text)


def _meant(text: str) -> str | None:
    """Return what *text* is as a version, itself or with its mistake put right."""
    bare = text.removeprefix("v")
    if version := _if_version(bare):
        return version
    mistake = None if _REF.fullmatch(text) else mistake_in(text)
    return None if mistake is None else mistake.meant


def _if_version(text: str) -> str | None:
    return text if text.isascii() and Version.is_valid(text) else None


def _four(match: re.Match[str]) -> str | None:
    return _if_version(f"{_without_leading_zeros(match['three'])}+{match['more']}")


def _with_leading_zeros(numbers: str) -> str:
    return next((n for n in numbers.split(".") if len(n) > 1 and n.startswith("0")), "")


def _without_leading_zeros(numbers: str) -> str:
    return ".".join(n.lstrip("0") or "0" for n in numbers.split("."))


def _with_zeros_in_prerelease(text: str) -> Mistake | None:
    version, plus, build = text.partition("+")
    numbers, dash, prerelease = version.partition("-")
    parts = prerelease.split(".")
    wrong = [p for p in parts if len(p) > 1 and p.startswith("0") and p.isdigit()]
    fixed = ".".join(_number(part) if part in wrong else part for part in parts)
    meant = _if_version(f"{numbers}{dash}{fixed}{plus}{build}")
    return Mistake(f"{wrong[0]} has a leading zero", meant) if wrong and meant else None


def _behind_a_name(text: str) -> Mistake | None:
    """Return what is wrong with a version that has a name before it, as many tags have."""
    for end in _END_OF_NAME.finditer(text) if text[:1].isalpha() else ():
        if meant := _if_version(text[end.end() :]):
            return Mistake(f"it has the prefix {quoted(text[: end.start() + 1])}", meant)
    return None


def _pep_440(text: str) -> Mistake | None:
    match = _PEP_440.fullmatch(text)
    if match is None or not any(match[name] for name in ("epoch", "pre", "post", "dev")):
        return None
    what = "it is written as Python writes versions (PEP 440)"
    if match["epoch"]:
        return Mistake(f"{what}, with an epoch, which semantic versions do not have", None)
    numbers = _without_leading_zeros(match["release"]).split(".")
    meant = ".".join([*numbers, "0", "0"][:3])
    prerelease, build = [], []
    if name := match["pre"]:
        lower = name.lower()
        prerelease += [_PRERELEASES.get(lower, lower), _number(match["pre_number"])]
    if match["dev"]:
        prerelease += ["dev", _number(match["dev_number"])]
    if match["post"]:
        build += ["post", _number(match["post_number"])]
    if match["local"]:
        build += re.split("[._-]", match["local"])
    meant += f"-{'.'.join(prerelease)}" if prerelease else ""
    meant += f"+{'.'.join(build)}" if build else ""
    return Mistake(what, _if_version(meant))


def _number(text: str) -> str:
    return text.lstrip("0") or "0"
