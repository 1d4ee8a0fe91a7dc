"""Keys of metadata that look like those of secrets."""

import pytest

from startifact.model.metadata import looks_like_secret


@pytest.mark.parametrize(
    "key",
    ["token", "apiKey", "API_KEY", "api-key", "AWS_SECRET_ACCESS_KEY", "db.password", "PrivateKey",
     "npmToken", "credentials", "x-auth-token", "GITHUB_TOKEN", "accessKey",
     "mypassword", "DBPASSWORD", "dbPasswd", "githubtoken", "clientsecret", "DB_PASS", "jwt"],
)  # fmt: skip
def test_secret(key: str) -> None:
    """What people call a secret is one, however the words are put together."""
    assert looks_like_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "key",
        "lang",
        "tokenizer",
        "secretary",
        "author",
        "keyboard",
        "monkey",
        "api",
        "",
        "compass",
        "tests-pass",
        "passed",
        "secretion",
    ],
)
def test_no_secret(key: str) -> None:
    """A word that only has one of these in it is none."""
    assert not looks_like_secret(key)
