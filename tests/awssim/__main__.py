"""python3 tests/awssim: the AWS simulator as a program.

 --listen HOST:PORT     127.0.0.1:0 by default; 0 takes a free port
 --port-file FILE       gets the port, once it listens
 --tls-cert, --tls-key  PEM files: HTTPS instead of HTTP
 --account N --access-key A --secret-key S    may be repeated, in threes
 --seed FILE            the state to start from (seed.py)
 --log FILE             every request, one JSON object a line
 --quotas               AWS's rate quotas apply

SIGTERM and SIGINT end it.
"""
import argparse
import asyncio
import json
import os
import signal
import ssl
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != HERE]
sys.path.insert(0, os.path.dirname(HERE))

from awssim.seed import apply  # noqa: E402
from awssim.server import App  # noqa: E402
from awssim.wire import Connection  # noqa: E402


def arguments(argv):
    parser = argparse.ArgumentParser(prog="awssim", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--port-file")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    for name in ("account", "access-key", "secret-key"):
        parser.add_argument("--" + name, action="append", default=[])
    parser.add_argument("--seed", action="append", default=[])
    parser.add_argument("--log")
    parser.add_argument("--quotas", action="store_true")
    args = parser.parse_args(argv)
    if not len(args.account) == len(args.access_key) == len(args.secret_key):
        parser.error("--account, --access-key and --secret-key come in threes")
    if bool(args.tls_cert) != bool(args.tls_key):
        parser.error("--tls-cert and --tls-key come together")
    return args


def build(args):
    """The App, filled."""
    log = open(args.log, "a", encoding="utf-8") if args.log else None  # noqa: SIM115 (open as long as the program)
    app = App(log, args.quotas)
    for three in zip(args.account, args.access_key, args.secret_key):
        app.world.add_key(*three)
    for name in args.seed:
        with open(name, encoding="utf-8") as file:
            apply(app.world, json.load(file), os.path.dirname(os.path.abspath(name)))
    return app


async def serve(args):
    app = build(args)
    loop = asyncio.get_running_loop()
    context = None
    if args.tls_cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.tls_cert, args.tls_key)
    host, _, port = args.listen.rpartition(":")
    server = await loop.create_server(lambda: Connection(app), host.strip("[]"), int(port), ssl=context, backlog=512)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if args.port_file:
        with open(args.port_file + ".new", "w", encoding="ascii") as file:
            file.write("%d\n" % server.sockets[0].getsockname()[1])
        os.rename(args.port_file + ".new", args.port_file)
    await stop.wait()
    server.close()
    for connection in list(app.connections):
        connection.transport.abort()
    if app.log is not None:
        app.log.close()


if __name__ == "__main__":
    asyncio.run(serve(arguments(sys.argv[1:])))
