"""Work handed to local processes, results in the order they were asked for.

In:     the name of a function, arguments that can be pickled
Out:    futures of its results
Not:    what is worked on

Each process is a Python of its own that knows only the named function: the caller's script is not imported again,
so that a notebook or a script without a guarded main can use it.
"""

from __future__ import annotations

import os
import pickle
import queue
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from types import TracebackType
from typing import IO, Any, cast

from clearway.core.errors import ClearwayError

_SIZE = struct.Struct(">Q")
_START = "from clearway.scale.processes import serve; serve()"


class Processes:
    """Local processes for one function, named ``module:function``. Use as a context."""

    def __init__(self, function: str, count: int | None = None) -> None:
        self._count = count or os.cpu_count() or 1
        environment = {**os.environ, "POLARS_MAX_THREADS": "1", "CLEARWAY_PROCESS": function}
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
            )
            for _ in range(self._count)
        ]
        self._free: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        for process in self._processes:
            self._free.put(process)
        self._threads = ThreadPoolExecutor(self._count)

    def __enter__(self) -> Processes:
        return self

    def submit(self, *arguments: Any) -> Future[Any]:
        """Call the function in the next free process."""
        return self._threads.submit(self._call, arguments)

    def _call(self, arguments: tuple[Any, ...]) -> Any:
        process = self._free.get()
        try:
            assert process.stdin is not None and process.stdout is not None
            _send(process.stdin, arguments)
            right, value = _receive(process.stdout)
        except (OSError, EOFError) as error:
            raise ClearwayError("A process this one had started ended early; was there enough memory?") from error
        finally:
            self._free.put(process)
        if not right:
            raise value
        return value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=kind is None, cancel_futures=True)
        for process in self._processes:
            if kind is not None:
                process.kill()
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            process.wait()


def _send(pipe: IO[bytes], value: Any) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_SIZE.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    head = pipe.read(_SIZE.size)
    if len(head) < _SIZE.size:
        raise EOFError
    (size,) = _SIZE.unpack(head)
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return pickle.loads(data)


def serve() -> None:
    """What a started process does until its input ends."""
    module, _, name = os.environ["CLEARWAY_PROCESS"].partition(":")
    function = cast(Callable[..., Any], getattr(import_module(module), name))
    pipe_in, pipe_out = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what is printed must not stand among results
    try:
        while True:
            try:
                arguments = _receive(pipe_in)
            except EOFError:
                return
            try:
                answer = (True, function(*arguments))
            except Exception as error:
                answer = (False, error)
            _send(pipe_out, answer)
    except (KeyboardInterrupt, BrokenPipeError):
        return
