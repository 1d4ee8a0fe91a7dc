"""What `startifact bootstrap` is given, what it does, and what it results in. Only a shell has it.

What it is done with is imported when it is done: every command imports this.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar, Protocol

from startifact.cli.setup import ConfigurationInputs
from startifact.commands.doctor import DoctorResult
from startifact.commands.running import parameter_of
from startifact.errors import InputError, StartifactError
from startifact.hints import Words
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.aws_regions import AWS_REGION
from startifact.options import OPTIONS, listed
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.spec import split_list
from startifact.session import Session
from startifact.settings import Settings
from startifact.text import quoted

if TYPE_CHECKING:
    from startifact.organisation.bootstrap.deployment import Bootstrap, StackOutcome, StackProgress
    from startifact.organisation.bootstrap.plan import Plan
    from startifact.organisation.bootstrap.request import BootstrapRequest


_COMPLETE = "_COMPLETE"


class Dialogue(Protocol):
    """The person who runs the command."""

    @property
    def can_ask(self) -> bool:
        """Whether there is one."""

    def ask(self, question: str) -> bool:
        """Return whether they say yes."""

    def tell(self, text: str) -> None:
        """Write a line for them."""

    def status(self, text: str) -> None:
        """Replace the line that says what is being done."""

    def people_columns(self) -> int | None:
        """Return how wide their terminal is."""

    def columns(self) -> int:
        """Return how wide that line can be."""

    @property
    def is_terminal(self) -> bool:
        """Whether they watch one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapInputs(ConfigurationInputs):
    """What an account is to be set up with.

    The fields are all the options that the command takes, but for those of every process.
    """

    command: ClassVar = "bootstrap"
    regions: str | None
    bucket_name_param: str | None
    name: str | None
    github: Sequence[str]
    branch: Sequence[str]
    tag: Sequence[str]
    environment: Sequence[str]
    policy_project: Sequence[str]
    policy_channel: Sequence[str]
    bucket: Sequence[str]
    show_template: str | None
    yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateResult:
    """One of the templates."""

    text: str

    def output(self) -> list[str]:
        """Return its lines."""
        return self.text.splitlines()

    def facts(self) -> dict[str, object]:
        """Return what this reports to programs."""
        return {"template": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapResult:
    """What was planned, what was *done* if anything was, and what doctor says of it."""

    plan: "Plan"
    dry_run: bool
    done: "Bootstrap | None" = None
    doctor: DoctorResult | None = None
    workflow: str = ""

    def errors(self) -> tuple[StartifactError, ...]:
        """Return what keeps it from success."""
        return () if self.doctor is None else self.doctor.errors()

    def output(self) -> list[str]:
        """Return the workflow, which a file may be made of."""
        return self.workflow.splitlines()

    def _arns(self) -> dict[str, str]:
        """Return the ARNs of the roles that are there, whether made now or before."""
        if self.done is not None:
            return dict(self.done.roles.outputs)
        stack = self.plan.target.roles_stack
        return {} if stack is None else dict(stack.outputs)

    def facts(self, words: Words) -> dict[str, object]:
        """Return what this reports to programs, hints in their *words*."""
        from startifact.organisation.bootstrap.facts import facts_of_plan, outcome_of

        done = {} if self.done is None else {o.region: o for o in self.done.regions}
        regions = [
            {**facts_of_plan(one), "outcome": outcome_of(one, done.get(one.region))}
            for one in self.plan.regions
        ]
        roles: StackOutcome | None = None if self.done is None else self.done.roles
        return {
            "account": self.plan.account,
            "name": self.plan.target.request.name,
            "configuration-parameter": self.plan.target.request.configuration_parameter,
            "dry-run": self.dry_run,
            "regions": regions,
            "roles": {
                **facts_of_plan(self.plan.roles),
                "outcome": outcome_of(self.plan.roles, roles),
                "arns": self._arns(),
            },
            "notes": [f"{n.kind} {n.name}: {'; '.join(n.details)}" for n in self.plan.notes],
            "workflow": self.workflow or None,
            **({} if self.doctor is None else self.doctor.facts(words)),
        }


def set_account_up(
    inputs: BootstrapInputs, settings: Settings, limits: Limits, person: Dialogue
) -> BootstrapResult | TemplateResult:
    """Set the account up, or say what would be done.

    Raises:
        StartifactError: It was not done, or not all of it.
    """
    if inputs.show_template is not None:
        _check_nothing_else(inputs)
        return TemplateResult(text=_template(inputs.show_template))
    from startifact.cli.bootstrap_rendering import plan_lines, result_lines
    from startifact.organisation.bootstrap.deployment import bootstrap
    from startifact.organisation.bootstrap.inspection import plan_bootstrap
    from startifact.organisation.bootstrap.request import check_bootstrap
    from startifact.regions.aws.account_access import AccountAccess

    request = _request(inputs, settings)
    check_bootstrap(request)
    with ConfigurationLoader(request.configuration_parameter, limits=limits) as loader:
        access = AccountAccess(loader, limits=limits)
        if person.is_terminal:
            person.status("looking at what is there")
        plan = plan_bootstrap(request, access, waits=not inputs.dry_run, limits=limits)
        person.status("")
        for line in plan_lines(plan, person.people_columns()):
            person.tell(line)
        result = BootstrapResult(plan=plan, dry_run=inputs.dry_run)
        if not inputs.dry_run and _is_meant(plan, inputs, person):
            done = bootstrap(plan, access, report=_Following(person), limits=limits)
            person.status("")
            result = _result(plan, done, _doctor(request, loader, settings, limits))
    for line in result_lines(result, person.people_columns()):
        person.tell(line)
    return result


def _doctor(
    request: "BootstrapRequest", loader: ConfigurationLoader, settings: Settings, limits: Limits
) -> DoctorResult:
    regions = list(request.regions)
    with Session(
        regions=regions, configuration_loader=loader, settings=settings, limits=limits
    ) as session:
        return DoctorResult(diagnosis=session.doctor())


def _result(plan: "Plan", done: "Bootstrap", doctor: DoctorResult) -> BootstrapResult:
    from startifact.organisation.bootstrap.workflow import workflow_of

    has_workflow = bool(plan.target.request.repositories)
    return BootstrapResult(
        plan=plan,
        dry_run=False,
        done=done,
        doctor=doctor,
        workflow=workflow_of(plan.target, done.roles.outputs) if has_workflow else "",
    )


def _is_meant(plan: "Plan", inputs: BootstrapInputs, person: Dialogue) -> bool:
    if inputs.yes or not plan.has_changes or not person.can_ask:
        return True
    return person.ask(f"Set account {plan.account} up like this?")


class _Following:
    """Tells a person how far the stacks are."""

    def __init__(self, person: Dialogue) -> None:
        self._person = person

    def __call__(self, progress: "StackProgress") -> None:
        from startifact.cli.bootstrap_rendering import progress_lines

        event = progress.event
        is_resource = event is not None and event.resource != progress.name
        if event is None or event.has_failed or (is_resource and event.status.endswith(_COMPLETE)):
            # At once: other regions have lines too.
            self._person.tell("\n".join(progress_lines(progress, self._person.people_columns())))
        elif self._person.is_terminal:
            self._person.status(progress_lines(progress, self._person.columns())[0])


def _check_nothing_else(inputs: BootstrapInputs) -> None:
    """Raise where more is given than which template to print, which would do nothing."""
    own = {field.name for field in fields(inputs)} - {"show_template"}
    given = [
        option.spellings[-1]
        for option in OPTIONS.values()
        if option.identifier in own and getattr(inputs, option.identifier)
    ]
    if given:
        names = listed(sorted(given), "and")
        are = "is" if len(given) == 1 else "are"
        raise InputError(
            f"{names} {are} given, and --show-template, which prints a template as it is",
            hint=f"Leave out {names}; what is given to a stack of it are its parameters",
        )


def _template(which: str) -> str:
    from startifact.organisation.templates import regional_template, roles_template

    return (regional_template() if which == "region" else roles_template()).rstrip("\n")


def _request(inputs: BootstrapInputs, settings: Settings) -> "BootstrapRequest":
    from startifact.organisation.bootstrap.request import BootstrapRequest, merged

    parameter = parameter_of(inputs.configuration_parameter, settings)
    return BootstrapRequest(
        regions=tuple(split_list(inputs.regions or settings.regions or "")),
        are_regions_of_environment=not inputs.regions,
        removed=merged(inputs.remove_region),
        name=inputs.name or "",
        configuration_parameter=parameter,
        bucket_name_param=inputs.bucket_name_param,
        bucket_key_prefix=inputs.bucket_key_prefix,
        parameter_name_prefix=inputs.parameter_name_prefix,
        buckets=_buckets(inputs.bucket),
        repositories=merged(inputs.github),
        branches=merged(inputs.branch),
        tags=merged(inputs.tag),
        environments=merged(inputs.environment),
        projects=merged(inputs.policy_project),
        channels=merged(inputs.policy_channel),
        options=inputs,
    )


def _buckets(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        region, _, name = text.partition("=")
        if not AWS_REGION.fullmatch(region) or not name:
            raise InputError(
                f"--bucket is {quoted(text)}, which does not say for which region",
                hint="Write --bucket eu-west-1=NAME",
            )
        if region in found:
            raise InputError(
                f"--bucket names two buckets for {region}",
                hint="Write --bucket REGION=NAME once for each region",
            )
        found[region] = name
    return found
