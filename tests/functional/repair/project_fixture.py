"""A project in three regions: staged and looked at through Startifact, damaged from behind."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from startifact.repair.log import Repair
from startifact.repair.verify import FindingKind, Verification
from tests.conftest import AwsAccount
from tests.support.backends import Backend, Bucket
from tests.support.limits import ConfigurationLoader
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.messages import shell_hint
from tests.support.wire import Answer

CONTENT = b"sugar and water\n"
OTHER = b"sugar, and salt\n"
"""Other bytes of the same size."""

FACTS = frozenset({"format", "sha256", "size", "filename", "removed-at"})


def sha256(content: bytes = CONTENT) -> str:
    return hashlib.sha256(content).hexdigest()


class ProjectFixture:
    """One project in the regions behind *backends*, and commands about it."""

    def __init__(
        self,
        backends: Sequence[Backend],
        folder: Path,
        *,
        loader: ConfigurationLoader | None = None,
        account: AwsAccount | None = None,
    ) -> None:
        self.backends = list(backends)
        self.a, self.b, self.c = backends
        self.regions = [backend.spec for backend in backends]
        self.project = f"P{uuid4().hex[:8]}"
        self.key = self.at("1.0.0")
        self.latest = f"{self.project}/latest"
        self._folder = folder
        self._loader = loader
        self._account = account

    def at(self, version: str) -> str:
        """Return the key of *version*."""
        return f"{self.project}@{version}"

    # Commands --------------------------------------------------------------------------------

    def session(self, **options: Any) -> Session:
        """Return a new session over all regions, as a new process would have one."""
        return Session(
            regions=options.pop("regions", self.regions),
            configuration_loader=self._loader,
            **options,
        )

    def stage(self, version: str = "1.0.0", content: bytes = CONTENT, **options: Any) -> None:
        """Stage a version in every region, or in *regions*."""
        path = self._folder / "dist.tar.gz"
        path.write_bytes(content)
        session = self.session(
            regions=options.pop("regions", self.regions),
            required_regions=options.pop("required_regions", "all"),
        )
        session.stage(self.project, version, path, **options)

    def verify(self, version: str | None = None, **options: Any) -> Verification:
        return self.session().verify(self.project, version, **options)

    def found(self, version: str | None = None, **options: Any) -> list[tuple[FindingKind, str]]:
        """Return kind and region of every difference."""
        return kinds(self.verify(version, **options))

    def repair(self, version: str | None = None, **options: Any) -> Repair:
        session = self.session(
            read_only=options.pop("read_only", False),
            required_regions=options.pop("required_regions", "majority"),
        )
        return session.repair(self.project, version, **options)

    def repair_until_equal(
        self, version: str | None = None, **options: Any
    ) -> list[tuple[str, str]]:
        """Repair, fail unless everything is as it should be then, and return what was done."""
        foretold = self.repair(version, read_only=True, **options)
        done = self.repair(version, **options)
        assert (done.refusals, done.failures) == ((), {})
        assert done.steps == foretold.steps
        assert foretold.dry_run
        assert not done.dry_run
        assert self.verify(version, read_data=True)
        return actions(done)

    def refused(self, version: str | None = None, **options: Any) -> str:
        """Repair, fail unless that was refused and changed nothing, and return what was said."""
        before = self.snapshot()
        done = self.repair(version, **options)
        assert not done
        assert (done.steps, done.failures) == ((), {})
        assert self.snapshot() == before
        return "\n".join(f"{error.message}\n{shell_hint(error)}" for error in done.refusals)

    # What is behind --------------------------------------------------------------------------

    def snapshot(self) -> list[dict[str, object]]:
        """Return everything of the project that is stored, in every region."""
        return [backend.snapshot(self.project) for backend in self.backends]

    def keys(self, backend: Backend) -> list[str]:
        """Return the keys of everything of the project in one region."""
        return backend.keys(self.project)

    def quarantined(self, backend: Backend) -> list[str]:
        """Return the keys of what was set aside."""
        return [key for key in self.keys(backend) if "/_quarantine/" in key]

    def rewrite(
        self, backend: Backend, key: str, content: bytes | None = None, **changes: Any
    ) -> None:
        """Replace an artifact by one whose record says something else."""
        stored = backend.content(key) if content is None else content
        backend.plant(key, stored, changed(backend.encoded_record(key), **changes))

    def forge(self, backend: Backend, key: str, content: bytes = OTHER) -> None:
        """Replace artifact and record together, so that they fit each other."""
        self.rewrite(backend, key, content, sha256=sha256(content), size=str(len(content)))

    def lose_latest(self, backend: Backend) -> None:
        """Take ``latest`` away, and what is left of it in SSM."""
        backend.erase(self.latest)
        if self._shows(backend):
            self.ssm(backend).delete_parameter(Name=self.parameter)

    @property
    def parameter(self) -> str:
        """The SSM parameter that follows ``latest``."""
        assert self._account is not None
        return f"/team-{self._account.unique}/{self.latest}"

    def ssm(self, backend: Backend) -> Any:
        assert isinstance(backend, Bucket)
        assert self._account is not None
        return self._account.ssm(backend.region)

    def displayed(self, backend: Backend) -> str | None:
        """Return the mirror of ``latest`` in SSM."""
        assert isinstance(backend, Bucket)
        assert self._account is not None
        return self._account.parameter_value(backend.region, self.project)

    def show(self, backend: Backend, value: str) -> None:
        """Put *value* where the mirror of ``latest`` is."""
        self.ssm(backend).put_parameter(
            Name=self.parameter, Value=value, Type="String", Overwrite=True
        )

    def _shows(self, backend: Backend) -> bool:
        return isinstance(backend, Bucket) and backend.prefix == "team/"


def kinds(verification: Verification) -> list[tuple[FindingKind, str]]:
    """Return kind and region of every difference."""
    return [(d.kind, d.region) for d in verification.differences]


def actions(repair: Repair) -> list[tuple[str, str]]:
    """Return what was done in which region."""
    return [(step.action, step.region) for step in repair.steps]


def changed(encoded_record: str, **changes: str | None) -> str:
    """Return a record with something changed, or with ``None`` taken away."""
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    facts = {f"startifact:{n}" if n in FACTS else n: value for n, value in named.items()}
    record = {**json.loads(encoded_record), **facts}
    return json.dumps({name: value for name, value in record.items() if value is not None})


def ssm_error(code: str, message: str = "because the test says so") -> Answer:
    """Return an error as SSM answers it."""
    body = json.dumps({"__type": code, "message": message})
    return Answer(400, body.encode(), {"Content-Type": "application/x-amz-json-1.1"})
