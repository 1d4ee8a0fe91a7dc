"""Install Startifact from the checkout that this file is in, and say which interpreter has it.

Nothing outside ``RUNNER_TEMP`` is written: a virtual environment there gets the dependencies, each
held to a hash, and a copy of the package. A later step of the same job finds it and uses it again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LOCK = CHECKOUT / "requirements" / "image.txt"
PACKAGE = CHECKOUT / "src" / "startifact"


def main() -> None:
    """Install what is missing, and write the output ``python``."""
    print("::group::Install Startifact", flush=True)
    environment = Path(os.environ["RUNNER_TEMP"]).resolve() / f"startifact-{key()}"
    try:
        if not (environment / "complete").exists():
            install(environment)
    except (OSError, subprocess.CalledProcessError) as e:
        fail(str(e))
    print("::endgroup::", flush=True)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8", newline="\n") as output:
        # With forward slashes a shell can start it on Windows, too.
        output.write(f"python={interpreter(environment).as_posix()}\n")


def key() -> str:
    """Return what tells this installation from every other one."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (LOCK, *sorted(PACKAGE.rglob("*.py"))):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(CHECKOUT).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


def install(environment: Path) -> None:
    """Make *environment* anew, with the dependencies and the package in it."""
    venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(environment)
    pip = [str(interpreter(environment)), "-I", "-m", "pip", "install", "--quiet"]
    pip += ["--no-input", "--disable-pip-version-check", "--no-compile"]
    pip += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", str(LOCK)]
    subprocess.run(pip, check=True)
    shutil.copytree(
        PACKAGE,
        Path(folder("purelib", environment), "startifact"),
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (environment / "complete").touch()


def interpreter(environment: Path) -> Path:
    """Return the interpreter of *environment*."""
    return Path(folder("scripts", environment), "python.exe" if os.name == "nt" else "python")


def folder(name: str, environment: Path) -> str:
    """Return where *environment* has its scripts or its packages."""
    places = {"base": str(environment), "platbase": str(environment)}
    return sysconfig.get_path(name, "venv", vars=places)


def fail(reason: str) -> None:
    """End the step with one error."""
    print("::endgroup::")
    text = f"Startifact cannot be installed: {reason}".replace("%", "%25")
    text = text.replace("\r", "%0D").replace("\n", "%0A")
    hint = "%0AHint: the runner has to reach a package index; actions/setup-python has all else"
    print(f"::error title=Startifact::{text}{hint}")
    sys.exit(2)


if __name__ == "__main__":
    main()
