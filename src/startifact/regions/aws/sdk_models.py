"""The SDK's descriptions of services, read in a tenth of the time."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader

# What clients are made for: by Startifact, and by what gives the SDK its credentials.
_SERVICES = ("s3", "signin", "ssm", "sso", "sso-oidc", "sts")

_OWN = Path(__file__).with_name("models")
"""What ``scripts/sdk_models.py`` has taken out of the SDK's descriptions: of SSM, which has 150
operations, those that are called. Where endpoints are may change, and is read from the SDK's."""


class SdkFiles(JSONFileLoader):
    """Files of JSON, read into dictionaries: the SDK reads them into ordered ones, more slowly."""

    def load_file(self, file_path: str) -> Any:
        """See `JSONFileLoader.load_file`."""
        for file, read in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            if Path(file).is_file():
                with read(file, "rb") as stream:
                    return json.loads(stream.read())
        return super().load_file(file_path)


class SdkModels(Loader):
    """The descriptions that are installed, each read once for all the sessions that share this.

    Whatever `AWS_DATA_PATH` or ``~/.aws/models`` hold comes first, as in every other loader.
    """

    def __init__(self, search_paths: Sequence[str]) -> None:
        """Look into *search_paths*, which are those of another loader."""
        paths = list(search_paths)
        paths.insert(paths.index(Loader.BUILTIN_DATA_PATH), str(_OWN))
        super().__init__(
            extra_search_paths=paths, file_loader=SdkFiles(), include_default_search_paths=False
        )
        self._lists_all = False

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        """See `Loader.load_service_model`."""
        if service_name not in _SERVICES:
            self._lists_all = True
        return super().load_service_model(service_name, type_name, api_version)

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the services that have a description of that type.

        To see that there is one, the SDK asks for all of them: that looks into 450 folders.
        """
        if self._lists_all:
            return super().list_available_services(type_name)
        return [name for name in _SERVICES if self._has(name, type_name)]

    def _has(self, service_name: str, type_name: str) -> bool:
        try:
            return bool(self.list_api_versions(service_name, type_name))
        except DataNotFoundError:
            return False
