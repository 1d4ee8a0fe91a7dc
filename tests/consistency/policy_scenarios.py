"""What can be done with each operation that has a policy of its own, in two regions of AWS."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from startifact import Pruning, Repair, Verification
from startifact.limits import DEFAULT_LIMITS
from startifact.organisation.setup import check_setup, set_up
from tests.conftest import AwsAccount
from tests.support.limits import PART, ConfigurationLoader
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.wire import Answer, Forward, Request, Rule, error

REGIONS = ("us-east-1", "eu-west-1")
LARGE = b"x" * (PART + 1)
"""What is sent in parts."""


@dataclass
class Setting:
    """A project of its own in an account, and the files for it."""

    account: AwsAccount
    folder: Path
    prefix: str = "team/"
    regions: tuple[str, ...] = REGIONS
    loader: ConfigurationLoader | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    """What else the configuration says."""

    project: str = field(default_factory=lambda: f"P{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        """Configure just these regions, with the prefix, but for who comes with a loader."""
        if self.loader is not None:
            return
        for region in self.regions:
            self.account.configure(
                region,
                json.dumps(
                    {
                        "bucket_name_param": self.account.bucket_parameter,
                        "bucket_key_prefix": self.prefix,
                        "parameter_name_prefix": f"/team-{self.account.unique}",
                        "regions": list(self.regions),
                        **self.options,
                    }
                ),
            )

        self.loader = ConfigurationLoader()

    def session(self) -> Session:
        """Return a session of a person who has prepared something before: it is quick."""
        return Session(regions=list(self.regions), configuration_loader=self.loader)

    def new_session(self) -> Session:
        """Return a session that knows nothing yet."""
        return Session(regions=list(self.regions))

    def file(self, content: bytes = b"sugar\n") -> Path:
        path = self.folder / "dist.tar.gz"
        path.write_bytes(content)
        return path

    def stage(self, *versions: str, content: bytes = b"sugar\n") -> None:
        with self.session() as session:
            for version in versions:
                session.stage(self.project, version, self.file(content))

    def object(self, key: str, region: str = "eu-west-1") -> dict[str, str]:
        return {"Bucket": self.account.buckets[region], "Key": f"{self.prefix}{self.project}{key}"}

    def erase(self, key: str, region: str = "eu-west-1") -> None:
        self.account.s3(region).delete_object(**self.object(key, region))

    def put(self, key: str, body: bytes, region: str, **more: Any) -> None:
        self.account.s3(region).put_object(**self.object(key, region), Body=body, **more)

    def copy(self, channel: str) -> str:
        return f"/team-{self.account.unique}/{self.project}/{channel}"

    def set_copy(self, channel: str, version: str) -> None:
        for region in self.regions:
            self.account.ssm(region).put_parameter(
                Name=self.copy(channel), Value=version, Type="String", Overwrite=True
            )

    def stage_first(self, *versions: str) -> None:
        """Store *versions* as the first Startifact did, whose latest is but a parameter."""
        for version in versions:
            for region in self.regions:
                self.put(f"@{version}", b"sugar\n", region)
                self.put(f"@{version}/metadata", b'{"lang": "c"}', region)
        self.set_copy("latest", versions[-1])


Step = Callable[[Setting], object]


@dataclass(frozen=True)
class Scenario:
    """Something that is done after *prepare*, which a person does who may do everything."""

    act: Callable[[Session, Setting], object]
    prepare: Step = lambda here: here.stage("1.0.0", "1.1.0")
    rule: Rule | None = None
    """What goes wrong besides."""

    says: str = ""
    """A part of what it complains about, whatever the policy allows."""


def refuse_completion(request: Request, forward: Forward) -> Answer | None:
    """Let no upload in parts be completed, so that it is aborted."""
    if request.method == "POST" and "uploadId" in request.query:
        return error(400, "InvalidPart")
    return forward()


def stage(version: str, content: bytes = b"sugar\n") -> Callable[[Session, Setting], object]:
    return lambda session, here: session.stage(here.project, version, here.file(content))


def download(selector: str) -> Callable[[Session, Setting], object]:
    def act(session: Session, here: Setting) -> None:
        session.get(here.project, selector).downloader.download(here.folder / "back")

    return act


def info(selector: str) -> Callable[[Session, Setting], object]:
    return lambda session, here: list(session.get(here.project, selector).items())


def link(session: Session, here: Setting) -> None:
    assert session.link(here.project, "^1").url


def versioned(here: Setting) -> None:
    """Have the same in buckets that keep versions of objects."""
    for region in here.regions:
        here.account.s3(region).put_bucket_versioning(
            Bucket=here.account.buckets[region], VersioningConfiguration={"Status": "Enabled"}
        )
    marked(here)


def marked(here: Setting) -> None:
    """Have a version that is yanked, and a channel that was moved."""
    here.stage("1.0.0", "1.1.0", "1.2.0")
    with here.session() as session:
        session.yank(here.project, "1.1.0", "it loses data")
        session.promote(here.project, "1.0.0", "prod")
        session.promote(here.project, "1.2.0", "prod")


def marked_first(here: Setting) -> None:
    """Have the same of what the first Startifact staged."""
    first(here)
    with here.session() as session:
        session.yank(here.project, "1.1.0", "it loses data")
        session.promote(here.project, "1.0.0", "prod")
        session.promote(here.project, "1.0.0", "prod")


def first(here: Setting) -> None:
    here.stage_first("1.0.0", "1.1.0")


def promote(selector: str = "latest") -> Callable[[Session, Setting], object]:
    return lambda session, here: session.promote(here.project, selector, "prod")


def rollback(session: Session, here: Setting) -> None:
    session.rollback(here.project, "prod")


def remove(session: Session, here: Setting) -> None:
    session.remove_channel(here.project, "prod")


def lock(session: Session, here: Setting) -> None:
    path = here.folder / f"{here.project}.lock"
    session.lock(here.project, "latest", lock_file=path)
    session.update_lock(lock_file=path)
    assert session.check_lock(lock_file=path)


def versions(session: Session, here: Setting) -> None:
    assert session.versions(here.project)
    assert list(session.list_versions(here.project, channel="latest"))


def check(done: Verification | Repair | Pruning) -> None:
    """Raise why *done* is not all that there was to do."""
    errors = [*done.failures.values()]
    errors += getattr(done, "refusals", ())
    errors += getattr(done, "incomplete", {}).values()
    for error_ in errors:
        raise error_
    assert done


def prune(session: Session, here: Setting) -> None:
    for _ in range(2):
        check(session.prune(here.project, keep_versions=1, grace="0s", yes=True))


def copy_from(selector: str) -> Callable[[Session, Setting], object]:
    def act(session: Session, here: Setting) -> None:
        with Session(regions=f"memory:{here.project}") as there:
            session.copy(here.project, selector, there)

    return act


def copy_to(content: bytes = b"sugar\n", *, yanked: bool = False) -> Scenario:
    def act(session: Session, here: Setting) -> None:
        with Session(regions=f"memory:{here.project}") as there:
            there.copy(here.project, "1.0.0", session)

    def prepare(here: Setting) -> None:
        with Session(regions=f"memory:{here.project}") as there:
            there.stage(here.project, "1.0.0", here.file(content))
            if yanked:
                there.yank(here.project, "1.0.0", "it loses data")

    if content is LARGE:
        return Scenario(act, prepare, refuse_completion, "InvalidPart")
    return Scenario(act, prepare, says="was yanked" if yanked else "")


def verify(session: Session, here: Setting) -> None:
    check(session.verify(here.project))


def repair(session: Session, here: Setting) -> None:
    check(session.repair(here.project))


def keep(session: Session, here: Setting) -> None:
    stored = here.account.s3("us-east-1").head_object(**here.object("@1.0.0", "us-east-1"))
    digest = json.loads(stored["Metadata"]["startifact"])["startifact:sha256"]
    check(session.repair(here.project, "1.0.0", keep=f"sha256:{digest}"))


def damaged(content: bytes = b"sugar\n", *, differs: bool = False) -> Step:
    """Return what has a project of which one region lacks, or has otherwise, nearly everything."""

    def prepare(here: Setting) -> None:
        here.stage("1.0.0", content=content)
        here.stage("1.1.0")
        if differs:
            stored = here.account.s3("eu-west-1").head_object(**here.object("@1.0.0"))
            other = b"y" * len(content)
            record = json.loads(stored["Metadata"]["startifact"])
            record["startifact:sha256"] = hashlib.sha256(other).hexdigest()
            metadata = {"startifact": json.dumps(record)}
            here.put("@1.0.0", other, "eu-west-1", Metadata=metadata)
            return
        with here.session() as session:
            for channel in ("prod", "staging"):
                session.promote(here.project, "1.0.0", channel)
            session.yank(here.project, "1.0.0", "it loses data")
            session.remove_channel(here.project, "staging")
        for key in ("@1.0.0", "/latest", "/prod", "/_yanked/1.0.0"):
            here.erase(key)
        here.account.ssm("eu-west-1").delete_parameter(Name=here.copy("prod"))
        here.account.ssm("eu-west-1").delete_parameter(Name=here.copy("latest"))
        here.set_copy("staging", "1.0.0")

    return prepare


def half_removed(here: Setting) -> None:
    """Have a version that is removed, of which the first Startifact's metadata is left."""
    here.stage_first("1.0.0", "2.0.0")
    with here.session() as session:
        for _ in range(2):
            session.prune(here.project, keep_versions=1, grace="0s", yes=True)
    for region in here.regions:
        here.put("@1.0.0/metadata", b'{"lang": "c"}', region)


def setup(_: Session, here: Setting) -> None:
    configuration = check_setup(
        regions=here.regions,
        bucket_name_param=here.account.bucket_parameter,
        bucket_key_prefix="team/",
        parameter_name_prefix=f"/team-{here.account.unique}",
        parameter=here.account.parameter,
    )
    loader = ConfigurationLoader(here.account.parameter)
    set_up(configuration, loader=loader, limits=DEFAULT_LIMITS)


def forget_configuration(here: Setting) -> None:
    for region in here.regions:
        here.account.configure(region, "{}")


STAGINGS = (
    Scenario(stage("1.0.0"), lambda here: None),
    Scenario(stage("1.2.0")),
    Scenario(stage("1.0.0")),
    Scenario(stage("1.2.0"), first),
    Scenario(stage("1.2.0", LARGE), rule=refuse_completion, says="InvalidPart"),
)
REPAIRS = (
    Scenario(repair, damaged()),
    Scenario(repair, damaged(LARGE), refuse_completion, "InvalidPart"),
    Scenario(repair, half_removed),
    Scenario(repair, first),
)

SCENARIOS: Mapping[str, tuple[Scenario, ...]] = {
    "stage": STAGINGS,
    "download": (
        *(Scenario(download(selector), marked) for selector in ("1.0.0", "latest", "prod", "^1")),
        Scenario(download("latest"), first, says="by the first Startifact"),
    ),
    "info": (Scenario(info("^1"), marked), Scenario(info("latest"), first)),
    "link": (
        Scenario(link, versioned),
        Scenario(link, marked),
        Scenario(lambda session, here: session.link(here.project), first, says="no digest"),
    ),
    "versions": (Scenario(versions, marked), Scenario(versions, first)),
    "projects": (Scenario(lambda session, _: session.projects()),),
    "promote": (
        Scenario(promote(), marked),
        Scenario(promote("^1"), lambda here: here.stage("1.0.0")),
        Scenario(promote("1.0.0"), first),
        Scenario(promote(), first),
    ),
    "rollback": (
        Scenario(rollback, marked),
        Scenario(rollback, marked_first, says="has held nothing earlier"),
        Scenario(rollback, says="no channel"),
    ),
    "channels": (
        Scenario(lambda session, here: session.channels(here.project), marked),
        Scenario(lambda session, here: session.channels(here.project), first),
    ),
    "channels-remove": (Scenario(remove, marked), Scenario(remove, says="no channel")),
    "lock": (Scenario(lock), Scenario(lock, first, says="has no recorded digest")),
    "yank": (
        Scenario(lambda session, here: session.yank(here.project, "1.0.0", "x")),
        Scenario(lambda session, here: session.yank(here.project, "1.0.0", "x"), first),
    ),
    "unyank": (
        Scenario(lambda session, here: session.unyank(here.project, "1.1.0"), marked),
        Scenario(lambda session, here: session.unyank(here.project, "1.1.0"), marked_first),
    ),
    "prune": (
        Scenario(prune, lambda here: here.stage("1.0.0", "1.1.0", "1.2.0")),
        Scenario(prune, first),
    ),
    "copy-from": (
        Scenario(copy_from("1.0.0"), marked),
        Scenario(copy_from("^1"), marked),
        Scenario(copy_from("latest"), first, says="by the first Startifact"),
    ),
    "copy-to": (copy_to(), copy_to(yanked=True), copy_to(LARGE)),
    "verify": (Scenario(verify, marked), Scenario(verify, first)),
    "repair": REPAIRS,
    "repair-keep": (
        Scenario(keep, damaged(differs=True)),
        Scenario(keep, damaged(LARGE, differs=True), refuse_completion, "InvalidPart"),
        *REPAIRS,
    ),
    "setup": (Scenario(setup, forget_configuration),),
}
