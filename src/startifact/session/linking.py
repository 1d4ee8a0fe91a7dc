"""The method of `Session` that makes links."""

from datetime import timedelta

from semver import Version

from startifact.model.links import parse_expires
from startifact.model.ranges import Range
from startifact.reading.artifact import Artifact
from startifact.reading.linking import Link, make_link
from startifact.session.artifacts import ArtifactMethods


class LinkMethods(ArtifactMethods):
    """What a session does so that others can download without credentials."""

    def link(
        self,
        project: str,
        selector: Version | Range | str | None = None,
        *,
        version: Version | Range | str | None = None,
        min_age: timedelta | str | None = None,
        expires: timedelta | str | None = None,
    ) -> Link:
        """Return a link with which anybody can download an artifact for a while.

        It is resolved as `get` does, and what the link leads to is read, its first byte, with the
        credentials that sign it. Nothing is written, and nobody but S3 knows of the link: it cannot
        be taken back while it works, but with what it is signed with.

        Args:
            project: The project's name.
            selector: What picks the artifact, as for `get`.
            version: The same, by the name that it had in the first Startifact.
            min_age: As for `get`.
            expires: How long the link is to work, such as ``30m`` or ``7d``, which is the longest.
                Without it an hour, or as long as the credentials live where that is less.

        Returns:
            The link, with the artifact and when it ends.

        Raises:
            InputError: An argument is not valid, the link is to work for longer than the
                credentials live, or no region that holds the artifact is a bucket.
            NotFoundError: As for `get`.
            RemovedError: As for `get`.
            SeveralRegionsError: Too few regions answered to know, or no region could sign a link.
            IntegrityError: Regions hold different content and no majority agrees.
            ArchivedError: The artifact is archived wherever it is held.
        """
        length = None if expires is None else parse_expires(expires)
        artifact = self._get(project, selector, version=version, min_age=min_age)
        return self._link_to(artifact, length)

    def _link_to(self, artifact: Artifact, expires: timedelta | None) -> Link:
        """Return a link to *artifact*, which was got with its mark asked for."""
        mark = artifact.downloader._mark
        try:
            link = make_link(artifact, expires, limits=self._limits)
        except BaseException:  # an interruption too: nobody waits for the mark any more
            mark.cancel()
            raise
        mark.mark()  # it warns
        return link
