"""What to write instead of a part of a range that is not in the grammar."""

import re

from startifact.limits import MAX_VERSION_CHARACTERS
from startifact.model.version_mistakes import mistake_in

EXAMPLES = "Write for example ^1.2, ~1.2.3, 1.x, >=1.2 <2, 1.2 - 1.4 or 1.x || 2.x"

# The first that matches the beginning of a part.
_HINTS = (
    (r"!", "A range leaves no version out: write <1.2.3 || >1.2.3 for all but 1.2.3"),
    (r"=>|=<", "Write >= and <=, with the equals sign last"),
    (r"&|and\b", "Write a space or a comma where both have to hold"),
    (r"\||or\b", "Write || where one of the two has to hold"),
    (r"[<>=^~]+$", "Write the version that it compares with: >=1.2"),
    (r"-$", "A range from one version to another stands by itself: 1.2 - 1.4"),
    (r"-", "Write spaces on both sides of the hyphen: 1.2 - 1.4"),
    (r"[<>=^~v]*[0-9xX*.+A-Za-z-]+[<>=^~]", "Write a space between comparators: >=1.2 <2"),
    (r"[<>=^~v]*[0-9]+(\.[0-9]+)?-", "Before a prerelease, give all three numbers: >=1.2.0-rc.1"),
    (r"[<>=^~v]*([0-9]+\.)?[xX*]\.[0-9]", "After x or * no number can follow: write 1.x"),
    (r"[<>=^~v]*([0-9]+\.)*0[0-9]", "Write numbers without leading zeros"),
    (r"==", "Write one equals sign: =1.2.3"),
    (r"[<>]?=?v?=", "Write one operator before a version: >=1.2.3"),
)
_OPERATORS = "<>=^~ "


def hint_for(part: str) -> str:
    """Return what to write instead of *part*."""
    # A long text is not examined: the expressions would go through it again and again.
    if len(part) > MAX_VERSION_CHARACTERS:
        return EXAMPLES
    for pattern, hint in _HINTS:
        if re.match(pattern, part):
            return hint
    mistake = mistake_in(part.lstrip(_OPERATORS))
    if mistake is None:
        return EXAMPLES
    what = mistake.what[0].upper() + mistake.what[1:]
    return f"{what}, did you mean {mistake.meant}?" if mistake.meant else f"{what}. {EXAMPLES}"


def hint_for_pessimistic(after: str) -> str:
    """Return what to write instead of ``~>`` or ``~=`` and the version that *after* begins with."""
    version = re.match(r"[ v=]*([0-9]{1,9})\.([0-9]{1,9})(\.[0-9]+)?", after)
    if version is None:
        return "Write ~1.2 for what is below 1.3, or >=1.2 <2 for what is below 2"
    major, minor, patch = version.groups("")
    least = f"{major}.{minor}{patch}"
    if patch:
        return f"Write ~{least} for what is below {major}.{int(minor) + 1}"
    return (
        f"Write ~{least} for what is below {major}.{int(minor) + 1}, "
        f"or >={least} <{int(major) + 1} for what is below {int(major) + 1}"
    )
