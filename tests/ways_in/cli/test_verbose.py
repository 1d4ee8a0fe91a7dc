"""What -v says of where a command works, and what it meets there."""

from collections.abc import Callable
from pathlib import Path

from tests.conftest import AwsAccount
from tests.faults.network_rules import throttled
from tests.faults.rules import is_read, when
from tests.support.wire import Wire
from tests.ways_in.cli.conftest import Run

MakeFile = Callable[..., Path]
HERE = "eu-west-1"


def test_verbose(
    run: Run, account: AwsAccount, wire: Wire, make_file: MakeFile, tmp_path: Path
) -> None:
    """It says which regions, configuration and bucket are used, who serves, and every retry."""
    assert run("stage", "SugarWater@1.0.0", make_file(), "--regions", HERE).code == 0
    download = ("download", "SugarWater", tmp_path / "back", "--regions", HERE)
    wire.add(when(is_read, throttled(503), times=1))

    verbose, plain = run(*download, "-v"), run(*download)

    lines = verbose.err.splitlines()
    assert f"regions: '{HERE}'" in lines
    assert any(x.startswith(f"the configuration in {account.parameter} in {HERE}: ") for x in lines)
    assert any(x.startswith(f"{HERE}: the bucket is {account.buckets[HERE]}, ") for x in lines)
    assert any(
        x.startswith(f"S3 in {HERE}: GetObject is made again in ") and "SlowDown" in x
        for x in lines
    )
    assert f"{HERE} served SugarWater@1.0.0" in lines
    assert not any(
        word in plain.err for word in ("made again", "served", "the bucket is", "regions: ")
    )
    assert "test-secret" not in verbose.err
