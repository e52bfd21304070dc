#!/usr/bin/python3
"""A TCP relay that is as far from its server as it is told: each direction of a connection arrives that much later.

    relay.py LISTEN TO MS      addresses as HOST:PORT

Prints one line when it listens.  Ends of streams travel like bytes, in their turn."""
import asyncio
import signal
import sys


async def carry(reader, writer, seconds):
    """Bytes and the end of the stream, each `seconds` after it came."""
    loop = asyncio.get_running_loop()
    under_way = asyncio.Queue(256)

    async def arrive():
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    task = asyncio.create_task(arrive())
    data = True
    while data and not task.done():
        try:
            data = await reader.read(65536)
        except OSError:
            data = b""
        await under_way.put((loop.time() + seconds, data))
    await task


async def main(listen, to, ms):
    async def connected(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(*to.split(":"))
            try:
                await asyncio.gather(carry(reader, far_writer, ms / 1000), carry(far_reader, writer, ms / 1000),
                                     return_exceptions=True)
            finally:
                far_writer.close()
        except OSError:
            pass
        finally:
            writer.close()

    host, port = listen.split(":")
    server = await asyncio.start_server(connected, host, int(port), backlog=512)
    print(f"{listen} to {to}, {ms} ms", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
