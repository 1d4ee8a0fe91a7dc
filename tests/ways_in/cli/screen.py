"""A terminal of the simplest kind: what a person sees after some text was written to it."""


def visible(text: str) -> list[str]:
    """Return the lines on the screen, without those that are blank."""
    lines = [""]
    column = 0
    for character in text:
        if character == "\n":
            lines.append("")
            column = 0
        elif character == "\r":
            column = 0
        else:
            padded = lines[-1].ljust(column)
            lines[-1] = padded[:column] + character + padded[column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]
