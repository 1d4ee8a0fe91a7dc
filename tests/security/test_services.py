"""What S3 and SSM answer can be anything, and is shown as what somebody else has said."""

import json
from pathlib import Path

import pytest

from tests.functional.repair.shop import CONTENT, Shop, ssm_error
from tests.security.answers import answering, as_written, as_xml, wire_of
from tests.security.conftest import Run
from tests.security.texts import CORPUS, is_harmless
from tests.support.places import Bucket
from tests.support.wire import Answer, Forward, Request, error

# These repeat themselves many times; measuring coverage would double their time.
pytestmark = pytest.mark.no_cover

TEXTS = [text for text in CORPUS if "\ud800" not in text]


def command(shop: Shop, folder: Path, number: int) -> list[str]:
    """Return one command after the other."""
    (folder / "file").write_bytes(CONTENT)
    words = [
        ["stage", shop.at("2.0.0"), f"{folder}/file", "--json"],
        ["download", shop.project, f"{folder}/back", "--traceback"],
        ["versions", shop.project, "-v"],
        ["verify", shop.project],
        ["info", shop.key, "--json"],
    ]
    return words[number % len(words)]


@pytest.mark.parametrize("status", [403, 400])
def test_errors_of_s3(run: Run, bucket_shop: Shop, tmp_path: Path, status: int) -> None:
    """An error's code and message can hold anything, well written or not."""
    shop = bucket_shop
    for number, text in enumerate(TEXTS):
        form = (as_xml, as_written)[(number + status) % 2]
        code = "AccessDenied" if status == 403 else form(text)
        remove = wire_of(shop).add(answering(error(status, code, form(text))))

        done = run(*command(shop, tmp_path, number), f"--regions={shop.regions[0]}")

        remove()
        assert done.code not in {0, 1}


def test_errors_of_ssm(run: Run, market: Shop, tmp_path: Path) -> None:
    """So can those of SSM, which come as JSON."""
    shop = market
    for number, text in enumerate(CORPUS):
        code = ["AccessDeniedException", text][number % 2]
        rule = answering(ssm_error(code, text), to=lambda request: request.operation)
        remove = wire_of(shop).add(rule)

        done = run(*command(shop, tmp_path, number), "--regions=us-east-1")

        remove()
        assert done.code not in {0, 1}


def test_error_is_still_told(run: Run, bucket_shop: Shop, tmp_path: Path) -> None:
    """What a service has said can be read, escaped, with the action and the resource."""
    shop = bucket_shop
    text = "::error::User \x1b[31m is not\r\n authorized"
    wire_of(shop).add(lambda request, forward: error(403, "AccessDenied", as_xml(text)))

    done = run("versions", shop.project, f"--regions={shop.regions[0]}")

    assert done.code == 6
    assert "s3:ListBucket" in done.err


def test_keys_in_a_listing(run: Run, bucket_shop: Shop) -> None:
    """What a bucket lists can have any name; what is no version is passed over."""
    shop = bucket_shop
    shop.stage()
    assert isinstance(shop.a, Bucket)
    prefix = shop.a.prefix
    for number, text in enumerate(TEXTS):
        form = (as_xml, as_written)[number % 2]
        key = f"<Contents><Key>{prefix}{shop.at('1.0.0')}{form(text)}</Key></Contents>"
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{key}</ListBucketResult>"
        answer = Answer(200, body.encode(errors="replace"), {"Content-Type": "application/xml"})
        rule = answering(answer, to=lambda request: "list-type" in request.query)
        remove = wire_of(shop).add(rule)

        done = run("versions", shop.project, "-v", f"--regions={shop.regions[0]}")

        remove()
        assert done.code in {3, 5} or done.out == "1.0.0\n"


def test_parameters(run: Run, market: Shop, tmp_path: Path) -> None:
    """What stands in parameters can be anything: configuration, bucket names and ``latest``."""
    shop = market
    for number, text in enumerate(TEXTS):
        value = json.dumps({"bucket_name_param": text, text: text, "regions": [text]})
        parameter = {"Name": "x", "Value": [text, value][number % 2], "Type": "String"}
        answer = Answer(200, json.dumps({"Parameter": parameter}).encode())
        rule = answering(answer, to=lambda request: request.operation == "GetParameter")
        remove = wire_of(shop).add(rule)

        done = run("info", shop.project, "--regions=us-east-1")

        remove()
        assert done.code not in {0, 1}


def test_bucket_name_in_a_parameter(run: Run, market: Shop) -> None:
    """The parameter that holds the bucket's name can hold anything."""
    shop = market
    for text in TEXTS:

        def rule(request: Request, forward: Forward, text: str = text) -> Answer | None:
            answer = forward()
            if request.operation != "GetParameter" or b"/buckets/" not in request.body:
                return answer
            value = json.loads(answer.body)
            value["Parameter"]["Value"] = text
            return Answer(200, json.dumps(value).encode(), {})

        remove = wire_of(shop).add(rule)

        done = run("info", shop.project, "--regions=us-east-1")

        remove()
        assert done.code == 2
        assert "expected the name of a bucket" in done.err


def test_latest_in_a_parameter(run: Run, market: Shop) -> None:
    """A copy of ``latest`` that holds anything is compared, shown, and made again."""
    shop = market
    shop.stage()
    for text in TEXTS[::4]:

        def rule(request: Request, forward: Forward, text: str = text) -> Answer | None:
            answer = forward()
            if request.operation != "GetParameter" or shop.project.encode() not in request.body:
                return answer
            value = json.loads(answer.body)
            value["Parameter"]["Value"] = text
            return Answer(200, json.dumps(value).encode(), {})

        remove = wire_of(shop).add(rule)

        done = run("verify", shop.project, f"--regions={','.join(shop.regions)}")

        remove()
        assert done.code == 8
        assert done.out.count("copy-differs: ") == 3
        assert all(map(is_harmless, done.out.splitlines()))


def test_metadata_of_an_object(run: Run, bucket_shop: Shop, tmp_path: Path) -> None:
    """Headers that carry a record can hold what no record holds."""
    shop = bucket_shop
    shop.stage()
    for text in ["=?UTF-8?Q?=1B[31m?=", "\u00ff\u0080\u009b31m", '{"a": "\u009b31m"}', "{" * 1500]:

        def rule(request: Request, forward: Forward, text: str = text) -> Answer | None:
            answer = forward()
            names = {
                n: v for n, v in answer.headers.items() if n.lower() != "x-amz-meta-startifact"
            }
            return Answer(answer.status, answer.body, names | {"x-amz-meta-startifact": text})

        remove = wire_of(shop).add(rule)

        for words in (["info", shop.key], ["verify", shop.project], ["repair", shop.key, "--json"]):
            done = run(*words, f"--regions={','.join(shop.regions)}")
            assert done.code not in {0, 1}

        remove()
