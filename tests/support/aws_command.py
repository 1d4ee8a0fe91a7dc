"""What stands for AWS's own command where documents use it: their commands, with the SDK.

It knows the operations of all services, ``cloudformation deploy``, and ``s3 cp`` of one object.
What it does not know fails.
"""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import botocore.session
import jmespath  # type: ignore[import-untyped]  # of botocore
from botocore.exceptions import ClientError


def main(words: Sequence[str]) -> int:
    """Do what *words* ask for, and return the exit code."""
    service, operation, *rest = words
    options, files = options_in(rest)
    query, form = options.pop("query", None), options.pop("output", ["json"])
    special = {("cloudformation", "deploy"): deploy, ("s3", "cp"): copy}.get((service, operation))
    try:
        answer = special(options, files) if special else ask(service, operation, options)
    except ClientError as e:
        sys.stderr.write(f"{e}\n")
        return 254
    if query is not None:
        answer = jmespath.search(query[0], answer)
    if answer is not None or query is not None:
        text = as_text(answer) if form == ["text"] else json.dumps(answer, indent=4, default=str)
        sys.stdout.write(f"{text}\n")
    return 0


def options_in(words: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of each option, and what stands before the first."""
    options: dict[str, list[str]] = {}
    files: list[str] = []
    into = files
    for word in words:
        if word.startswith("--"):
            into = options.setdefault(word[2:], [])
        else:
            into.append(word)
    return options, files


def client(service: str) -> Any:
    region = os.environ.get("AWS_REGION") or os.environ["AWS_DEFAULT_REGION"]
    return botocore.session.Session().create_client(service, region_name=region)


def ask(service: str, operation: str, options: dict[str, list[str]]) -> Any:
    """Return the answer to one operation."""
    asked = client({"s3api": "s3"}.get(service, service))
    name = operation.replace("-", "_")
    shape = asked.meta.service_model.operation_model(
        asked.meta.method_to_api_mapping[name]
    ).input_shape
    members = {botocore.xform_name(member, "-"): member for member in shape.members}
    given = {}
    for option, values in options.items():
        member = shape.members[members[option]]
        given[members[option]] = values if member.type_name == "list" else value_of(member, values)
    answer = getattr(asked, name)(**given)
    answer.pop("ResponseMetadata", None)
    return answer


def value_of(member: Any, values: list[str]) -> Any:
    (text,) = values or ["true"]
    if member.type_name in {"structure", "map", "boolean", "integer", "long"}:
        return json.loads(text)
    return text


def deploy(options: dict[str, list[str]], _: list[str]) -> None:
    """Create or update a stack, as a change set would; a template without a change is no error."""
    asked = client("cloudformation")
    (name,), (template,) = options["stack-name"], options["template-file"]
    given = [text.partition("=") for text in options.get("parameter-overrides", [])]
    arguments = {
        "StackName": name,
        "TemplateBody": Path(template).read_text(encoding="utf-8"),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, _, value in given],
    }
    try:
        asked.describe_stacks(StackName=name)
    except ClientError:
        asked.create_stack(**arguments)
    else:
        asked.update_stack(**arguments)
    (stack,) = asked.describe_stacks(StackName=name)["Stacks"]
    if not re.fullmatch("(CREATE|UPDATE)_COMPLETE", stack["StackStatus"]):
        raise SystemExit(f"the stack is {stack['StackStatus']}")


def copy(options: dict[str, list[str]], files: list[str]) -> None:
    """Upload or download one file."""
    source, target = files
    if set(options) - {"only-show-errors"}:
        raise SystemExit(f"not known: {options}")
    if source.startswith("s3://"):
        bucket, _, key = source.removeprefix("s3://").partition("/")
        Path(target).write_bytes(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    else:
        bucket, _, key = target.removeprefix("s3://").partition("/")
        client("s3").put_object(Bucket=bucket, Key=key, Body=Path(source).read_bytes())


def as_text(answer: Any) -> str:
    if isinstance(answer, list):
        return "\t".join(map(as_text, answer))
    return "None" if answer is None else str(answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
