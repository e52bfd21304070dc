#!/usr/bin/python3
"""The calls of common.py with httpx: asyncio, HTTP/1.1 or HTTP/2 (python3-h2), memory BIOs."""
import asyncio

import httpx

import common

opts = common.options("httpx")


async def call(client, gate, one):
    tag, url, headers, body = one
    async with gate:
        async with client.stream("POST", url, content=body, headers=headers) as answer:
            whole = b"".join([piece async for piece in answer.aiter_bytes()])
            common.report(tag, answer.status_code, whole)


async def main():
    gate = asyncio.Semaphore(opts.parallel)
    async with httpx.AsyncClient(http2=bool(opts.http2), timeout=120, limits=httpx.Limits(
            max_connections=opts.parallel, max_keepalive_connections=opts.parallel if opts.keep else 0)) as client:
        await asyncio.gather(*(call(client, gate, one) for one in common.calls(opts)))


asyncio.run(main())
