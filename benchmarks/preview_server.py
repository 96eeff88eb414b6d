"""From a wish for another network to its first frame over the WebSocket.

python -m benchmarks.preview_server [WISHES]: at three sizes, each wish a network not measured
before, with the trials of the remedies for the one before still going on.
"""

import asyncio
import json
import sys
import tempfile
import time

import websockets

from benchmarks.lab import URL, serving, spread

SIZES = ((10, 64), (50, 128), (100, 256))
CHOICES = ("relu", "tanh", "elu", "selu", "gelu")
PAUSE_SECONDS = 0.6


async def wished(socket: websockets.ClientConnection, query: str) -> float:
    """Milliseconds from a wish to the frame of it."""
    started = time.perf_counter()
    await socket.send(json.dumps({"query": query}))
    while True:
        message = json.loads(await socket.recv())
        await socket.send(json.dumps({"ack": message["sequence"]}))
        frame = message["frame"]
        if frame["query"] == query and frame["state"] == "preview":
            return 1e3 * (time.perf_counter() - started)


async def heard(socket: websockets.ClientConnection, seconds: float) -> None:
    """Acknowledge what else comes, as a page does while somebody looks at it."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            message = json.loads(await asyncio.wait_for(socket.recv(), left))
        except TimeoutError:
            return
        await socket.send(json.dumps({"ack": message["sequence"]}))


async def measure(wishes: int) -> None:
    async with websockets.connect(URL.replace("http", "ws") + "live") as socket:
        await wished(socket, "seed=1")  # workers have started
        for depth, width in SIZES:
            late = []
            for number in range(wishes):
                words = f"activation={CHOICES[number % len(CHOICES)]}&seed={number}"
                late.append(await wished(socket, f"{words}&depth={depth}&width={width}"))
                await heard(socket, PAUSE_SECONDS)
            print(f"wish → frame, {depth} × {width}, {wishes} wishes: {spread(late)}")


def main() -> None:
    wishes = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder, serving(folder):
        asyncio.run(measure(wishes))


if __name__ == "__main__":
    main()
