"""A property that is worked out once for each object."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_Of = TypeVar("_Of")
_Value = TypeVar("_Value")


class once(Generic[_Of, _Value]):  # noqa: N801 - used as `property` is
    """As `functools.cached_property`, without the lock that Python 3.11 takes for each object's first look.

    Two threads may both work it out, and the later one's value stays: for values that are equal each time.
    """

    def __init__(self, work: Callable[[_Of], _Value]) -> None:
        self._work, self._name, self.__doc__ = work, work.__name__, work.__doc__

    @overload
    def __get__(self, at: None, owner: type[_Of]) -> "once[_Of, _Value]": ...
    @overload
    def __get__(self, at: _Of, owner: type[_Of]) -> _Value: ...
    def __get__(self, at: Any, owner: type[_Of]) -> Any:
        """The value, which from now on stands before this in the object's own dictionary."""
        if at is None:
            return self
        value = at.__dict__[self._name] = self._work(at)
        return value
