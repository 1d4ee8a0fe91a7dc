"""A workflow that stages, downloads, promotes and prunes with the roles of an organisation."""

from collections.abc import Mapping, Sequence

from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.options import OPTIONS
from startifact.organisation.bootstrap.names import Target
from startifact.organisation.bootstrap.request import DEFAULT_BRANCHES, BootstrapRequest
from startifact.organisation.bootstrap.roles import audience_of

_WORKFLOW = """\
# .github/workflows/startifact.yml of the default branch: run it from the Actions tab, on {where}.
# OWNER is the owner of Startifact's repository.
on:
  workflow_dispatch:{schedule}

permissions: {{}}

jobs:
  stage:
    if: github.event_name == 'workflow_dispatch'
    runs-on: ubuntu-latest{environment}
    permissions:
      id-token: write # for role-to-assume
    steps:
      - run: echo sugar and water > dist.txt # your build
      - uses: OWNER/startifact@v1
        with:
          command: stage
          project: {project}
          version: "1.0.${{{{ github.run_number }}}}"
          path: dist.txt
{stage}

  download:
    needs: stage
    runs-on: ubuntu-latest{environment}
    permissions:
      id-token: write
    steps:
      - uses: OWNER/startifact@v1
        with:
          command: download
          project: {project}
          version: latest
          path: dist.txt
{read}
      - run: cat dist.txt
"""
_PROMOTE = """\

  promote:
    needs: download
    runs-on: ubuntu-latest
    environment: {channel} # only its jobs may move the channel
    permissions:
      id-token: write
    steps:
      - uses: OWNER/startifact@v1
        with:
          command: promote
          project: {project}
          version: latest
          channel: {channel}
{promote}
"""
_SCHEDULE = """
  schedule:
    - cron: "43 4 * * 0" # prune, on {branch}"""
_PRUNE = """\

  prune:
    if: github.event_name == 'schedule'
    runs-on: ubuntu-latest{environment}
    concurrency: prune
    permissions:
      id-token: write
    steps:
      - uses: OWNER/startifact@v1
        with:
          command: prune
          project: {project}
          keep-versions: "20"
          keep-prereleases: "5"
          older-than: 90d
          grace: 6d
          # "yes": "true" # removes, a week after it has marked; without it the plan is shown
          # Before anything is staged, there is nothing to look at: the job fails then.
{prune}
"""
_NO_PRUNE = """\

# There is no job to prune: scheduled runs are of the default branch, and its role is for tags.
"""


def workflow_of(target: Target, roles: Mapping[str, str]) -> str:
    """Return the workflow, in YAML. *roles* are the outputs of the stack that has them."""
    request = target.request
    pattern = request.projects[0]
    project = "SugarWater" if pattern == "*" else pattern.replace("*", "SugarWater")

    def inputs(role: str) -> str:
        given = {
            "regions": ", ".join(request.regions),
            "configuration-parameter": (
                ""
                if request.configuration_parameter == DEFAULT_PARAMETER
                else request.configuration_parameter
            ),
            "role-to-assume": roles.get(f"{role}Role", ""),
            "audience": _unless_default(audience_of(target)),
        }
        return "\n".join(f"          {name}: {value}" for name, value in given.items() if value)

    prunes = not request.tags or bool(request.branches or request.environments)
    text = _WORKFLOW.format(
        schedule=_SCHEDULE.format(branch=_scheduled_on(request)) if prunes else "",
        where=_where(request),
        environment=_environment(request, other_ways=(request.branches, request.tags)),
        project=project,
        stage=inputs("Stage"),
        read=inputs("Read"),
    )
    text += _PROMOTE.format(
        project=project, channel=request.channels[0], promote=inputs("Promote1")
    )
    if not prunes:
        return text + _NO_PRUNE
    return text + _PRUNE.format(
        environment=_environment(request, other_ways=(request.branches,)),
        project=project,
        prune=inputs("Prune"),
    )


def _unless_default(audience: str) -> str:
    return "" if audience == OPTIONS["audience"].default else audience


def _where(request: BootstrapRequest) -> str:
    """Return which runs take on the roles to stage and read, in words."""
    if request.branches:
        name = request.branches[0]
        return f"a branch such as {name}" if "*" in name else f"the branch {name}"
    if request.tags:
        return f"a tag such as {request.tags[0]}"
    return "any branch or tag" if request.environments else f"the branch {DEFAULT_BRANCHES[0]}"


def _scheduled_on(request: BootstrapRequest) -> str:
    """Return which branch scheduled runs are of, and has to be the one that takes on the role."""
    if request.environments and not request.branches:
        return "the default branch"
    name = request.branches[0] if request.branches else DEFAULT_BRANCHES[0]
    branch = f"a branch such as {name}" if "*" in name else name
    return f"the default branch, which has to be {branch}"


def _environment(request: BootstrapRequest, *, other_ways: Sequence[Sequence[str]]) -> str:
    """Return the key of a job that takes on a role only by its environment."""
    if any(other_ways) or not request.environments:
        return ""
    return f"\n    environment: {request.environments[0]} # only its jobs take on the role"
