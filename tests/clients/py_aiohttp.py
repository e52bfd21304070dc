#!/usr/bin/python3
"""The calls of common.py with aiohttp: asyncio's own TLS, memory BIOs, aiohttp's own HTTP."""
import asyncio

import aiohttp

import common

opts = common.options("aiohttp")


async def call(session, one):
    tag, url, headers, body = one
    async with session.post(url, data=body, headers=headers) as answer:
        common.report(tag, answer.status, await answer.read())


async def main():
    # `limit` is both the gate and the pool; a context made here takes SSL_CERT_FILE
    connector = aiohttp.TCPConnector(limit=opts.parallel, force_close=not opts.keep)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as session:
        await asyncio.gather(*(call(session, one) for one in common.calls(opts)))


asyncio.run(main())
