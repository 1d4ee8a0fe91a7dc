"""What S3 and SSM answer can be anything, and is shown as what somebody else has said."""

import json
from pathlib import Path

import pytest

from tests.functional.repair.project_fixture import CONTENT, ProjectFixture, ssm_error
from tests.security.answers import answering, as_written, as_xml, wire_of
from tests.security.conftest import Run
from tests.security.texts import CORPUS, is_harmless
from tests.support.backends import Bucket
from tests.support.wire import Answer, Forward, Request, error

# These repeat themselves many times; measuring coverage would double their time.
pytestmark = pytest.mark.no_cover

TEXTS = [text for text in CORPUS if "\ud800" not in text]


def command(fixture: ProjectFixture, folder: Path, number: int) -> list[str]:
    """Return one command after the other."""
    (folder / "file").write_bytes(CONTENT)
    words = [
        ["stage", fixture.at("2.0.0"), f"{folder}/file", "--json"],
        ["download", fixture.project, f"{folder}/back", "--traceback"],
        ["versions", fixture.project, "-v"],
        ["verify", fixture.project],
        ["info", fixture.key, "--json"],
    ]
    return words[number % len(words)]


@pytest.mark.parametrize("status", [403, 400])
def test_errors_of_s3(
    run: Run, bucket_project: ProjectFixture, tmp_path: Path, status: int
) -> None:
    """An error's code and message can hold anything, well written or not."""
    fixture = bucket_project
    for number, text in enumerate(TEXTS):
        form = (as_xml, as_written)[(number + status) % 2]
        code = "AccessDenied" if status == 403 else form(text)
        remove = wire_of(fixture).add(answering(error(status, code, form(text))))

        done = run(*command(fixture, tmp_path, number), f"--regions={fixture.regions[0]}")

        remove()
        assert done.code not in {0, 1}


def test_errors_of_ssm(run: Run, aws_project: ProjectFixture, tmp_path: Path) -> None:
    """So can those of SSM, which come as JSON."""
    fixture = aws_project
    for number, text in enumerate(CORPUS):
        code = ["AccessDeniedException", text][number % 2]
        rule = answering(ssm_error(code, text), to=lambda request: request.operation)
        remove = wire_of(fixture).add(rule)

        done = run(*command(fixture, tmp_path, number), "--regions=us-east-1")

        remove()
        assert done.code not in {0, 1}


def test_error_is_still_reported(run: Run, bucket_project: ProjectFixture, tmp_path: Path) -> None:
    """What a service has said can be read, escaped, with the action and the resource."""
    fixture = bucket_project
    text = "::error::User \x1b[31m is not\r\n authorized"
    wire_of(fixture).add(lambda request, forward: error(403, "AccessDenied", as_xml(text)))

    done = run("versions", fixture.project, f"--regions={fixture.regions[0]}")

    assert done.code == 6
    assert "s3:ListBucket" in done.err


def test_keys_in_a_listing(run: Run, bucket_project: ProjectFixture) -> None:
    """What a bucket lists can have any name; what is no version is passed over."""
    fixture = bucket_project
    fixture.stage()
    assert isinstance(fixture.a, Bucket)
    prefix = fixture.a.prefix
    for number, text in enumerate(TEXTS):
        form = (as_xml, as_written)[number % 2]
        key = f"<Contents><Key>{prefix}{fixture.at('1.0.0')}{form(text)}</Key></Contents>"
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{key}</ListBucketResult>"
        answer = Answer(200, body.encode(errors="replace"), {"Content-Type": "application/xml"})
        rule = answering(answer, to=lambda request: "list-type" in request.query)
        remove = wire_of(fixture).add(rule)

        done = run("versions", fixture.project, "-v", f"--regions={fixture.regions[0]}")

        remove()
        assert done.code in {3, 5} or done.out == "1.0.0\n"


def test_parameters(run: Run, aws_project: ProjectFixture, tmp_path: Path) -> None:
    """What stands in parameters can be anything: configuration, bucket names and ``latest``."""
    fixture = aws_project
    for number, text in enumerate(TEXTS):
        value = json.dumps({"bucket_name_param": text, text: text, "regions": [text]})
        parameter = {"Name": "x", "Value": [text, value][number % 2], "Type": "String"}
        answer = Answer(200, json.dumps({"Parameter": parameter}).encode())
        rule = answering(answer, to=lambda request: request.operation == "GetParameter")
        remove = wire_of(fixture).add(rule)

        done = run("info", fixture.project, "--regions=us-east-1")

        remove()
        assert done.code not in {0, 1}


def test_bucket_name_in_a_parameter(run: Run, aws_project: ProjectFixture) -> None:
    """The parameter that holds the bucket's name can hold anything."""
    fixture = aws_project
    for text in TEXTS:

        def rule(request: Request, forward: Forward, text: str = text) -> Answer | None:
            answer = forward()
            if request.operation != "GetParameter" or b"/buckets/" not in request.body:
                return answer
            value = json.loads(answer.body)
            value["Parameter"]["Value"] = text
            return Answer(200, json.dumps(value).encode(), {})

        remove = wire_of(fixture).add(rule)

        done = run("info", fixture.project, "--regions=us-east-1")

        remove()
        assert done.code == 2
        assert "expected the name of a bucket" in done.err


def test_latest_in_a_parameter(run: Run, aws_project: ProjectFixture) -> None:
    """A copy of ``latest`` that holds anything is compared, shown, and made again."""
    fixture = aws_project
    fixture.stage()
    for text in TEXTS[::4]:

        def rule(request: Request, forward: Forward, text: str = text) -> Answer | None:
            answer = forward()
            if request.operation != "GetParameter" or fixture.project.encode() not in request.body:
                return answer
            value = json.loads(answer.body)
            value["Parameter"]["Value"] = text
            return Answer(200, json.dumps(value).encode(), {})

        remove = wire_of(fixture).add(rule)

        done = run("verify", fixture.project, f"--regions={','.join(fixture.regions)}")

        remove()
        assert done.code == 8
        assert done.out.count("copy-differs: ") == 3
        assert all(map(is_harmless, done.out.splitlines()))


def test_metadata_of_an_object(run: Run, bucket_project: ProjectFixture, tmp_path: Path) -> None:
    """Headers that carry a record can hold what no record holds."""
    fixture = bucket_project
    fixture.stage()
    for text in ["=?UTF-8?Q?=1B[31m?=", "\u00ff\u0080\u009b31m", '{"a": "\u009b31m"}', "{" * 1500]:

        def rule(request: Request, forward: Forward, text: str = text) -> Answer | None:
            answer = forward()
            names = {
                n: v for n, v in answer.headers.items() if n.lower() != "x-amz-meta-startifact"
            }
            return Answer(answer.status, answer.body, names | {"x-amz-meta-startifact": text})

        remove = wire_of(fixture).add(rule)

        for words in (
            ["info", fixture.key],
            ["verify", fixture.project],
            ["repair", fixture.key, "--json"],
        ):
            done = run(*words, f"--regions={','.join(fixture.regions)}")
            assert done.code not in {0, 1}

        remove()
