"""When Python looks for cycles among objects while robots drive.

Nothing in a period makes many: what it makes goes when the next one has no use for it, by its count of references. To
look for cycles every 700 objects, as Python does by itself, took a twelfth of the period of a thousand robots.
"""

from __future__ import annotations

import gc

_MORE = 50_000  # So many objects more than before are a reason to look; a thousand robots make fewer in a period.


def settle() -> None:
    """Call it when everything is loaded, and before anything drives: what there is now counts as staying for ever."""
    gc.collect()
    gc.freeze()  # Maps, robots and kernels: to look through all of them takes longer than a period.
    gc.set_threshold(_MORE, *gc.get_threshold()[1:])
