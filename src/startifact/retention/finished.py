"""Which removals are finished: so that the next prune asks nothing of each of them.

A listing does not tell a tombstone from a small artifact, and a removed version keeps its mark for
good. So each removed version has one more key, which is written once every region has its
tombstone, and whose name alone says so. It only keeps a prune from looking at a version again: what
is removed, and what may be staged, is never decided by it. ``verify`` and ``repair`` look at every
version all the same.
"""

import contextlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from semver import Version

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import InputError
from startifact.limits import Limits
from startifact.model.keys import Key, finished_key, finished_prefix
from startifact.model.versions import parse_version
from startifact.reading.listing import Listed
from startifact.regions.interface import Region
from startifact.registers.attempt import Author

logger = logging.getLogger(__name__)


def list_finished(region: Region, project: str, heartbeat: Heartbeat) -> set[str]:
    """Return the versions of *project*, as texts, of which *region* says that they are removed."""
    found, prefix = set(), finished_prefix(project)
    for key in region.channel_keys(prefix):
        heartbeat.beat()
        with contextlib.suppress(InputError):  # something else's
            found.add(str(parse_version(key.removeprefix(prefix))))
    return found


def finished_in_all(
    finished: Mapping[str, set[str]], listed: Mapping[str, Listed]
) -> frozenset[str]:
    """Return what each region that was *listed* has among its *finished* removals, and lists.

    One that does not list it has lost its tombstone. At least one region was listed.
    """
    found = set[str].intersection(*(finished.get(name, set()) for name in listed))
    for versions, _ in listed.values():
        found &= {text for version in versions if (text := str(version)) in found}
    return frozenset(found)


def record_finished(
    regions: Sequence[Region],
    project: str,
    versions: Iterable[Version],
    author: Author,
    *,
    limits: Limits,
) -> None:
    """Let each of *regions* say of *versions* that they are removed in all of them.

    Where that fails, the next prune looks at them again, and then does it.
    """
    text = json.dumps({"at": author.now(), "by": author.moved_by}, separators=(",", ":"))

    def record(version: Version) -> None:
        key = finished_key(project, version)
        jobs = {region.name: partial(_write, region, project, key, text) for region in regions}
        with FanOut(jobs, limits=limits) as writing:
            for answer in writing:
                if isinstance(answer, Failure):
                    logger.info("%s in %s: %s", key, answer.name, answer.error.message)

    jobs = (partial(record, version) for version in versions)
    run_in_pool(jobs, workers=limits.inventory_workers, limits=limits)


def _write(region: Region, project: str, key: Key, text: str, heartbeat: Heartbeat) -> None:
    heartbeat.beat()
    region.preflight(project)
    region.write_channel(key, text, None)  # one that is there says the same
