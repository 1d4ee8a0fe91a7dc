"""When cyclic garbage is looked for: not in what the whole run keeps, and less often than usual.

Thousands of collected tests, moto and the SDK are a million objects, none of which is ever garbage.
To look through them again and again took an eighth of the tests' time.
"""

import gc

_ALLOCATIONS = 100_000
"""How many more containers than were freed have to be made before garbage is looked for."""


def leave_alone() -> None:
    """Look for no garbage from now on, until `look_among_new` is called."""
    gc.disable()


def look_among_new() -> None:
    """Look for garbage again, but only among what is made from now on."""
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *gc.get_threshold()[1:])
    gc.enable()
