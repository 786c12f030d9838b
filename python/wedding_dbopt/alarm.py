"""A timer of the kernel that cancels what this process is doing, as a user's cancel would.

PostgreSQL has no timer that a running function could set for a part of itself: `statement_timeout` counts from the
client's statement on. So the kernel is asked to send this process the signal with which PostgreSQL is told to cancel.
It repeats each second, for code that catches the cancel and goes on.
"""

from __future__ import annotations

import ctypes
import signal
import time

_CLOCK_MONOTONIC = 1
_SIGEV_SIGNAL = 0
_REPEAT_SECONDS = 1


class _SignalEvent(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("number", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_byte * 48),
    )


class _TimerSpecification(ctypes.Structure):
    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Alarm:
    """One timer; `stop` it always. Raises OSError where the kernel has none to give."""

    def __init__(self, seconds: float) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        event = _SignalEvent(None, signal.SIGINT, _SIGEV_SIGNAL)
        self._check(
            self._library.timer_create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer))
        )
        self._due = time.monotonic() + seconds
        whole = int(seconds)
        specification = _TimerSpecification(_REPEAT_SECONDS, 0, whole, max(int((seconds - whole) * 1e9), 1))
        self._check(self._library.timer_settime(self._timer, 0, ctypes.byref(specification), None))

    @property
    def due(self) -> bool:
        """Whether the signal may have been sent."""
        return time.monotonic() >= self._due

    def stop(self) -> None:
        """Send no further signal; one that was sent before has arrived."""
        self._library.timer_delete(self._timer)

    def _check(self, result: int) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), "no timer")
