"""All that is asked of an account, and given to it, when an organisation is set up."""

from functools import cached_property
from typing import TYPE_CHECKING

from startifact.limits import Limits
from startifact.regions.aws.configuration_loader import (
    ConfigurationLoader,
    clients_of,
    parameters_of,
)

if TYPE_CHECKING:
    from startifact.regions.aws.account import Account
    from startifact.regions.aws.parameters import Parameters
    from startifact.regions.aws.stacks import Stacks


class AccountAccess:
    """Reaches the account that *loader* reaches. Safe to use from several threads."""

    def __init__(self, loader: ConfigurationLoader, *, limits: Limits) -> None:
        self._loader = loader
        self._limits = limits

    def prepare(self, region: str) -> None:
        """Do what cannot be done in a region's thread, such as asking a person for a code.

        Raises:
            ConfigurationError: Requests would go to an endpoint that they must not go to.
        """
        clients_of(self._loader).prepare(region=region)

    @cached_property
    def account(self) -> "Account":
        """Whose it is, and what it has."""
        from startifact.regions.aws.account import Account

        return Account(clients_of(self._loader))

    def stacks(self, region: str) -> "Stacks":
        """Return the stacks of *region*."""
        from startifact.regions.aws.stacks import Stacks

        return Stacks(clients_of(self._loader), region, limits=self._limits)

    def parameters(self, region: str) -> "Parameters":
        """Return the parameters in SSM of *region*."""
        return parameters_of(self._loader, region)
