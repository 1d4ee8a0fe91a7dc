"""What the command link does and results in, and what that means for people and programs."""

from collections.abc import Callable

from startifact.commands.inputs import LinkInputs
from startifact.hints import Words
from startifact.lazy_dataclasses import dataclass
from startifact.model.clock import seconds_text
from startifact.model.links import parse_expires
from startifact.reading.artifact import Artifact
from startifact.reading.linking import Link
from startifact.report import facts_of, facts_of_choice, facts_of_link, locations_of_artifact
from startifact.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkResult:
    """A link to an artifact that was found in *regions*."""

    link: Link
    regions: tuple[str, ...]

    @property
    def artifact(self) -> Artifact:
        """What the link leads to."""
        return self.link.artifact

    def output(self) -> list[str]:
        """Return the link, which is a secret, for programs."""
        return [self.link.url]

    def lines(self) -> list[str]:
        """Return what there is to know of the link, for people, without the link."""
        artifact, link = self.link.artifact, self.link
        version = f", version {link.object_version} of the object" if link.object_version else ""
        sooner = " at the latest" if link.may_end_sooner else ""
        return [
            f"{artifact}: {artifact.digest}, {artifact.size:,} bytes",
            f"the link works until {seconds_text(link.expires_at)}{sooner}, without credentials",
            f"it leads to {link.location.uri} in {link.location.region}{version}",
        ]

    def facts(self, _: Words) -> dict[str, object]:
        """Return what this reports to programs, the link included."""
        artifact = self.artifact
        facts = {**facts_of(artifact), **facts_of_choice(artifact), **facts_of_link(self.link)}
        return {**facts, "locations": locations_of_artifact(artifact)}


def run_link(
    inputs: LinkInputs, session: Session, on_found: Callable[[Artifact], object]
) -> LinkResult:
    """Make the link that *inputs* ask for; *on_found* is called with the artifact before.

    Raises:
        StartifactError: There is none.
    """
    expires = None if inputs.expires is None else parse_expires(inputs.expires)
    artifact = session._get(inputs.project, inputs.version, min_age=inputs.min_age)
    on_found(artifact)
    return LinkResult(link=session._link_to(artifact, expires), regions=session.regions)
