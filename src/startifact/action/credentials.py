"""Who the step is in AWS: what the job's environment says, or a role of its own."""

import logging
from dataclasses import replace

from startifact.action.inputs import StepInputs
from startifact.action.runner import Runner
from startifact.commands.inputs import CopyInputs
from startifact.errors import InputError
from startifact.regions.aws.spec import BucketSpec, first_aws_region
from startifact.regions.aws.web_identity import WebIdentity
from startifact.regions.factory import parse_specs
from startifact.regions.spec import RegionSpec, split_list
from startifact.settings import Settings, forget_aws_profile
from startifact.text import quoted

logger = logging.getLogger(__name__)


def identity_of(inputs: StepInputs, settings: Settings, runner: Runner) -> WebIdentity | None:
    """Return the role that the step takes on; ``None`` when it takes on none.

    Raises:
        InputError: No AWS region is known that could be asked for credentials, or a region has
            a profile of its own.
        AccessDeniedError: The job may not ask GitHub for a token, or GitHub gave none.
        UndeterminedError: The network, or GitHub, keeps it from answering.
    """
    if inputs.role_to_assume is None:
        return None
    region = settings.aws_region or first_aws_region(_specs(inputs, settings))
    if region is None:
        raise InputError(
            "role-to-assume is set, but no AWS region to ask for its credentials",
            hint="Set aws-region, for example us-east-1",
        )
    _refuse_profiles(inputs, settings)
    # Only here: HTTP and TLS are a sixth of what a step loads, and without a role nobody uses them.
    from startifact.action.oidc import Tokens, TokenSource

    source = TokenSource(
        url=runner.token_url,
        bearer=runner.token_bearer,
        audience=inputs.audience,
        ca_bundle=settings.ca_bundle,
    )
    source.check()
    if settings.access_key_id:
        logger.info("role-to-assume is set, so the AWS credentials in the environment are not used")
    forget_aws_profile()
    return WebIdentity(
        role=inputs.role_to_assume,
        session_name=inputs.role_session_name,
        seconds=inputs.role_duration,
        region=region,
        # Here and not in a region's thread, where GitHub's silence would be the region's.
        token=Tokens(source),
    )


def settings_of(inputs: StepInputs, settings: Settings) -> Settings:
    """Return *settings* as *inputs* change them."""
    if inputs.aws_region is not None:
        settings = replace(settings, aws_region=inputs.aws_region)
    return settings if inputs.provenance else replace(settings, origin=Settings().origin)


def _specs(inputs: StepInputs, settings: Settings) -> tuple[RegionSpec, ...]:
    texts = inputs.session.regions or split_list(settings.regions or "")
    specs = parse_specs(texts, source="regions") if texts else ()
    return specs + (parse_specs(inputs.to, source="to") if inputs.to else ())


def _refuse_profiles(inputs: StepInputs, settings: Settings) -> None:
    if isinstance(inputs.command, CopyInputs) and inputs.command.to_profile is not None:
        raise InputError(
            "role-to-assume and to-profile are both set",
            hint="Leave one of them out: a step is one role, or what profiles say; the role can "
            "take on the one in to-role",
        )
    for spec in _specs(inputs, settings):
        if isinstance(spec, BucketSpec) and spec.profile:
            raise InputError(
                f"role-to-assume is set, and region {quoted(spec.text)} names a profile",
                hint="Leave one of them out: a step is one role, or what profiles say",
            )
