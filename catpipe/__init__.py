"""Feed-forward networks trained as a pipeline of pure functions.

The public names are those of `catpipe.api`, which is imported when the first of them is asked for:
so the command line prints its help, and hears Ctrl-C, before NumPy is there.
"""

from importlib import import_module

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all else here
if TYPE_CHECKING:
    from catpipe.api import *  # noqa: F403
    from catpipe.api import __all__ as __all__


def __getattr__(name: str) -> object:
    api = import_module("catpipe.api")
    if name not in ("__all__", *api.__all__):
        raise AttributeError(f"module 'catpipe' has no attribute {name!r}", name=name)
    return getattr(api, name)


def __dir__() -> list[str]:
    return [*globals(), *import_module("catpipe.api").__all__]
