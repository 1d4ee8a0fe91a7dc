"""What the SDK and moto work out anew for each session, client or request, and once in a test run.

None of it depends on anything but their own data files, and it took a third of the tests' time.
"""

import functools
import inspect
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import botocore.hooks
import botocore.session
import botocore.useragent
import botocore.utils
from botocore.client import ClientCreator
from botocore.endpoint_provider import EndpointProvider, RuleSet
from botocore.hooks import EventAliaser
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import ServiceModel
from moto.core.errors import ErrorLookupFactory
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from startifact.regions.aws.sdk_models import SdkFiles

if TYPE_CHECKING:
    import types


def cache_sdk() -> None:
    """Have the SDK read and derive everything of its data files once in this process."""
    for loader in (JSONFileLoader, SdkFiles):
        _cache(loader, "load_file", key=lambda self, file_path: file_path)
    # These look into each of hundreds of folders.
    _cache(
        Loader,
        "list_available_services",
        key=lambda self, type_name: (type_name, *self.search_paths),
    )
    _cache(EventAliaser, "_alias_event_name", key=lambda self, event_name: event_name)
    _cache_signatures()
    _cache_user_agents()
    _cache_times()
    _share_models()
    _share_rules_of_endpoints()


def cache_moto() -> None:
    """Have moto derive from its data files once in this process what its server needs."""
    _cache(
        ErrorLookupFactory, "for_service", key=lambda self, service_model: service_model.service_id
    )
    _cache(DomainDispatcherApplication, "get_backend_for_host", key=lambda self, host: host)


def _cache(owner: type, name: str, key: Callable[..., Hashable]) -> None:
    """Let the method *name* of *owner* work out its result once for each *key* of its arguments."""
    work_out = getattr(owner, name)
    results: dict[Hashable, Any] = {}

    @functools.wraps(work_out)
    def cached(*arguments: Any, **named: Any) -> Any:
        chosen = key(*arguments, **named)
        if chosen not in results:
            results[chosen] = work_out(*arguments, **named)
        return results[chosen]

    setattr(owner, name, cached)


def _cache_signatures() -> None:
    """Look once at what parameters a handler of events has, and not for each client.

    The code stands for it, not the function: that may hold a client, which would be kept for ever.
    """
    hooks: Any = botocore.hooks
    accepts_kwargs = hooks.accepts_kwargs
    known: dict[types.CodeType, Any] = {}

    def cached(handler: Callable[..., Any]) -> Any:
        function = handler.__func__ if inspect.ismethod(handler) else handler
        if not inspect.isfunction(function):
            return accepts_kwargs(handler)
        if function.__code__ not in known:
            known[function.__code__] = accepts_kwargs(handler)
        return known[function.__code__]

    hooks.accepts_kwargs = cached


def _cache_user_agents() -> None:
    """Look once at each character of what clients call themselves, and not for each request."""
    module: Any = botocore.useragent
    module.sanitize_user_agent_string_component = functools.cache(
        module.sanitize_user_agent_string_component
    )


def _cache_times() -> None:
    """Read the time of a header or a listing once, which is the same for whatever was stored then.

    A number stands for a time in the zone of this machine, and is read each time.
    """
    module: Any = botocore.utils
    read = module._parse_timestamp_with_tzinfo
    read_once = functools.lru_cache(maxsize=1000)(read)

    def cached(value: Any, tzinfo: Any) -> Any:
        return (read_once if isinstance(value, str) and value[-1:] in "ZT" else read)(value, tzinfo)

    module._parse_timestamp_with_tzinfo = cached


def _share_models() -> None:
    """Let clients of one service share its model, and the methods that come from it."""
    creator_class: Any = ClientCreator
    create_methods = creator_class._create_methods
    # The data of a file is kept: its number stands for it.
    model_of = _cached_by_id(lambda data, name: ServiceModel(data, service_name=name))
    methods_of = _cached_by_id(lambda model, creator: create_methods(creator, model))

    def load(self: Any, service_name: str, api_version: str | None = None) -> Any:
        data = self._loader.load_service_model(service_name, "service-2", api_version=api_version)
        return model_of(data, service_name)

    def create(self: Any, service_model: ServiceModel) -> dict[str, Any]:
        return dict(methods_of(service_model, self))

    creator_class._load_service_model = load
    creator_class._create_methods = create


def _share_rules_of_endpoints() -> None:
    """Let clients of one service share the rules that its endpoints follow."""
    rules_of = _cached_by_id(lambda data, partitions: RuleSet(**data, partitions=partitions))

    def begin(
        self: Any, ruleset_data: Any, partition_data: Any, excluded_params: Any = None
    ) -> None:
        self.ruleset = rules_of(ruleset_data, partition_data)
        self._excluded_params = excluded_params or frozenset()

    EndpointProvider.__init__ = begin  # type: ignore[method-assign]


def _cached_by_id(work_out: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return *work_out* that does so once for each first argument, which has to be kept."""
    results: dict[int, Any] = {}

    def cached(first: Any, second: Any) -> Any:
        if id(first) not in results:
            results[id(first)] = work_out(first, second)
        return results[id(first)]

    return cached


def _list_regions(
    session: Any,
    service_name: str,
    partition_name: str = "aws",
    allow_non_regional: bool = False,
) -> list[str]:
    """Return the regions of a service whose endpoints begin with its name, as those of EC2 do."""
    resolver = session._get_internal_component("endpoint_resolver")
    regions: list[str] = resolver.get_available_endpoints(
        service_name, partition_name, allow_non_regional
    )
    return regions


# The SDK reads the whole model of EC2, its largest file by far, to learn how its endpoints begin,
# and moto asks for them when it is imported: hence here, and not in `cache_moto`.
_session_class: Any = botocore.session.Session
_session_class.get_available_regions = _list_regions
