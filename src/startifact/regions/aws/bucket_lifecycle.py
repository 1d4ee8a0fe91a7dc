"""Whether the lifecycle rules of a bucket remove unfinished uploads, and leave artifacts alone."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from startifact.hints import Command, Hint, Option
from startifact.lazy_dataclasses import dataclass
from startifact.model.examination import LIFECYCLE, Check, ExaminationRequest, failed, ok, unknown
from startifact.model.keys import PROJECT, PROJECT_DELIMITER
from startifact.regions.aws.bucket import Bucket
from startifact.text import joined, quoted

Rule = Mapping[str, Any]

_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_MAY_GO = ("_probe", "_quarantine")
"""What there is below a project that nobody needs."""

_ARTIFACTS, _CHANNELS = PROJECT_DELIMITER, "/"
"""What stands between a project and what its artifacts, and its channels and yanks, are called."""

_EXPIRES_UPLOADS = (
    '{"Rules":[{"ID":"unfinished-uploads","Status":"Enabled","Filter":{"Prefix":""},'
    '"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The lifecycle rules of *bucket*; *command* writes one of ``aws s3api`` that is about it."""

    bucket: Bucket
    rules: tuple[Rule, ...]
    request: ExaminationRequest
    command: Callable[[str], str]

    def check(self) -> Check:
        """Return whether unfinished uploads go, and artifacts stay."""
        enabled = [rule for rule in self.rules if rule.get("Status") == "Enabled"]
        if harm := list(self._harm(enabled)):
            return failed(
                LIFECYCLE,
                joined(harm),
                "Leave artifacts and channels out of the rule, with a prefix that none has: "
                f"{self._rewriting()}",
            )
        if not any(self._removes_uploads(rule) for rule in enabled):
            found = "what unfinished uploads have sent stays, and is paid for"
            return failed(LIFECYCLE, found, self._cure())
        if doubts := [text for rule in enabled if (text := self._doubt(rule))]:
            name_it = Command("doctor", "SugarWater", (Option("for", self.request.operation),))
            step = Hint.of("Name the project that is meant, as in ", name_it)
            return unknown(LIFECYCLE, joined(doubts), step)
        return ok(LIFECYCLE, "unfinished uploads are removed, and no artifact is")

    def _rewriting(self) -> str:
        return (
            f"{self.command('get-bucket-lifecycle-configuration')} shows all rules, and "
            f"{self.command('put-bucket-lifecycle-configuration')} --lifecycle-configuration "
            "file://RULES.json replaces them all"
        )

    def _cure(self) -> str:
        if self.rules:
            begin = "Add a rule with AbortIncompleteMultipartUpload to those that there are"
            return f"{begin}: {self._rewriting()}"
        put = f"put-bucket-lifecycle-configuration --lifecycle-configuration '{_EXPIRES_UPLOADS}'"
        return f"Let a rule remove it: {self.command(put)}"

    def _removes_uploads(self, rule: Rule) -> bool:
        return "AbortIncompleteMultipartUpload" in rule and self.bucket.prefix.startswith(
            _prefix(rule)
        )

    def _harm(self, rules: Iterable[Rule]) -> Iterable[str]:
        """Yield what *rules* do to artifacts and channels that are known to be there."""
        for rule in rules:
            what = self._touched(rule)
            if (does := _does(rule)) and what:
                yield f"rule {_name(rule)} {does[0]} {what}{does[1]}"

    def _touched(self, rule: Rule) -> str:
        """Return what of Startifact's *rule* is about; nothing where that is not known."""
        prefix, begin = _prefix(rule), self.bucket.prefix
        kinds = {_ARTIFACTS: "artifacts"}
        if not _tags(rule):  # which channels never have
            kinds[_CHANNELS] = "channels"
        elif not _tags(rule) <= {*self.bucket.options.object_tags}:
            return ""
        if begin.startswith(prefix):
            return kinds[_ARTIFACTS]
        project = self.request.project
        if project is None or _may_go(prefix.removeprefix(f"{begin}{project}/")):
            return ""
        keys = {f"{begin}{project}{mark}": what for mark, what in kinds.items()}
        touched = (w for key, w in keys.items() if key.startswith(prefix) or prefix.startswith(key))
        return next(touched, "")

    def _doubt(self, rule: Rule) -> str:
        """Return what *rule* does to what may be a project's; nothing where it cannot be."""
        prefix, begin = _prefix(rule), self.bucket.prefix
        if self.request.project is not None or not prefix.startswith(begin):
            return ""
        if not _tags(rule) <= {*self.bucket.options.object_tags}:
            return ""
        project, *below = re.split("[@/]", prefix.removeprefix(begin), maxsplit=1)
        does = _does(rule)
        if not does or not PROJECT.fullmatch(project) or _may_go("".join(below)):
            return ""
        begins = f"what begins with {quoted(prefix)}"
        return f"rule {_name(rule)} {does[0]} {begins}{does[1]}, which may be of a project"


def _may_go(below: str) -> bool:
    return below.startswith(_MAY_GO)


def _prefix(rule: Rule) -> str:
    filter_ = rule.get("Filter", {})
    both = filter_.get("And", {})
    return str(rule.get("Prefix") or filter_.get("Prefix") or both.get("Prefix") or "")


def _tags(rule: Rule) -> set[tuple[str, str]]:
    filter_ = rule.get("Filter", {})
    tags = [*filter_.get("And", {}).get("Tags", ()), filter_.get("Tag")]
    return {(str(tag.get("Key")), str(tag.get("Value"))) for tag in tags if tag}


def _name(rule: Rule) -> str:
    return quoted(rule.get("ID", "without a name"))


def _does(rule: Rule) -> tuple[str, str] | None:
    """Return what *rule* does to objects, in words to stand before and behind them."""
    expiration = rule.get("Expiration", {})
    if "Days" in expiration or "Date" in expiration:
        return "deletes", ""
    classes = (str(t.get("StorageClass")) for t in rule.get("Transitions", []))
    archives = sorted(_ARCHIVES.intersection(classes))
    return ("archives", f" ({', '.join(archives)})") if archives else None
