"""Write the templates of CloudFormation and Terraform, or check that they are up to date.

python scripts/templates.py [--check]

That of the roles is written whole. In that of a region it is the statements of the bucket's policy,
whose keys are those of `startifact.permissions`; all else is written by hand. The module of
Terraform is written by hand, and reads what is allowed and denied from files that are written here.
"""

import json
import re
import sys
from pathlib import Path

from startifact.organisation.policy_request import ANY
from startifact.organisation.templates import roles_template
from startifact.organisation.templates.bucket_policy import DENIALS
from startifact.organisation.templates.roles import (
    CONFIGURE,
    LISTING,
    PRUNE,
    READ,
    REPAIR,
    STAGE,
    needed_by,
    promote_role,
)
from startifact.organisation.templates.yaml_text import Explained, indented
from startifact.permissions import Permission, When

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "src" / "startifact" / "organisation" / "templates"
TERRAFORM = PROJECT / "examples" / "terraform" / "policies"

_ROLE = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"
NAMES = {
    "partition": "${AWS::Partition}",
    "bucket": "${BucketName}",
    "key_prefix": "${KeyPrefix}",
    "project": ANY,
    "prune_role": f"{_ROLE}${{PruneRole}}",
    "repair_role": f"{_ROLE}${{RepairRole}}",
}


def regional(text: str) -> str:
    """Return the template of a region with its statements made anew."""
    statements = [Explained(denial.statement(NAMES), denial.reason) for denial in DENIALS]
    first, last = "# The statements are written by make generate.\n", "\n\n  BucketNameInParameter:"
    found = re.search(f"{re.escape(first)}(.*?){re.escape(last)}", text, re.DOTALL)
    if found is None:
        sys.exit("regional.yaml has no comment that says where statements begin")
    lines = "\n".join(indented(statements, 10))
    return text[: found.start(1)] + lines + text[found.end(1) :]


WHEN = {When.KMS: "kms", When.TAGS: "tags", When.LOCK: "lock"}


def roles_of_terraform() -> str:
    """Return what each role is allowed, as templates."""
    roles = (READ, STAGE, promote_role(1, "prod"), PRUNE, REPAIR, CONFIGURE)
    statements = {
        role.suffix.partition("-")[0]: [_statement(p) for p in needed_by(role)] for role in roles
    }
    return json.dumps(statements, indent=2) + "\n"


def _statement(permission: Permission) -> dict[str, object]:
    when = "all-projects" if permission.operations == (LISTING,) else WHEN.get(permission.when, "")
    return {
        "Sid": permission.name,
        "why": permission.reason,
        "when": when,
        "Effect": "Deny" if permission.is_denial else "Allow",
        "Action": permission.actions,
        "Resource": permission.resources,
        "Condition": permission.conditions,
    }


def denials_of_terraform() -> str:
    """Return what the policy of a bucket denies, as templates."""
    names = {
        name: f"{{{name}}}"
        for name in ("partition", "bucket", "key_prefix", "project", "prune_role", "repair_role")
    }
    return json.dumps([denial.statement(names) for denial in DENIALS], indent=2) + "\n"


def main() -> None:
    """Write the files, or with ``--check`` fail where one differs."""
    regional_file, roles_file = FOLDER / "regional.yaml", FOLDER / "roles.yaml"
    written = {
        regional_file: regional(regional_file.read_text(encoding="utf-8")),
        roles_file: roles_template(),
        TERRAFORM / "roles.json": roles_of_terraform(),
        TERRAFORM / "denials.json": denials_of_terraform(),
    }
    stale = []
    for path, text in written.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if "--check" not in sys.argv[1:]:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"not up to date: {', '.join(stale)}: run make generate")


if __name__ == "__main__":
    main()
