"""The pictures, drawn by a process of their own, so that no worker carries what draws them."""

import asyncio
import json
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence

from service.reporting.dashboard.pictures import Picture

_COMMAND = (sys.executable, "-m", "service.reporting.dashboard.drawing")
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "PYTHONPATH", "MPLCONFIGDIR")
"""What of the environment the process gets: no secret is among it."""
_SECONDS = 60
"""For one picture."""
_LINE = 2**24


class NotDrawnError(Exception):
    """The pictures could not be drawn."""


class Drawings:
    """Draws pictures, and keeps so many of those that were asked for last."""

    def __init__(self, most: int = 512) -> None:
        self._most = most
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def svgs(self, pictures: Sequence[Picture], drawn: Callable[[int], None] = lambda _: None) -> dict[str, str]:
        """Return the SVG of each picture by its key, having told ``drawn`` of each one; raises NotDrawnError."""
        wanted = {json.dumps(picture.plain()): picture.key for picture in pictures}
        async with self._one_at_a_time:
            found = {plain: self._kept[plain] for plain in wanted if plain in self._kept}
            drawn(len(found))
            missing = [plain for plain in wanted if plain not in found]
            if missing:
                found |= await _draw(missing, drawn)
            self._keep(found)
        return {key: found[plain] for plain, key in wanted.items()}

    def _keep(self, found: dict[str, str]) -> None:
        for plain, svg in found.items():
            self._kept[plain] = svg
            self._kept.move_to_end(plain)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


async def _draw(plains: Sequence[str], drawn: Callable[[int], None]) -> dict[str, str]:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, limit=_LINE
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    telling = asyncio.ensure_future(process.stderr.read())
    try:
        process.stdin.write(f"[{','.join(plains)}]".encode())
        process.stdin.write_eof()
        found = {}
        for plain in plains:
            line = await asyncio.wait_for(process.stdout.readline(), _SECONDS)
            if not line:
                raise NotDrawnError((await telling).decode(errors="replace").strip().rpartition("\n")[2])
            found[plain] = json.loads(line)
            drawn(1)
    except TimeoutError:
        raise NotDrawnError(f"it took longer than {_SECONDS} s") from None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        telling.cancel()
    return found
