"""The downloader against a local server that cuts, corrupts, stalls and refuses."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mini import download
from mini.progress import Bar

ROOT = Path(__file__).resolve().parent.parent
BODY = bytes(range(256)) * 1600  # 400 kB, long enough for several pieces
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `body`; `faults` (a set of words) bends the answers to come.

    A fault ending in "-once" holds for the first request alone.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.faults, self.requests, self.sent = BODY, set(), [], 0
        self.keep = len(BODY) // 2  # bytes sent before a cut or a stall
        self.going_down = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/file.bin"

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is part of the game


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        server, start = self.server, self.headers.get("Range")
        server.requests.append(start)
        first = len(server.requests) == 1
        faults = {
            f.removesuffix("-once") for f in server.faults if first or "-o" not in f
        }
        if "missing" in faults or "busy" in faults:
            return self.send_error(404 if "missing" in faults else 503)
        start = int(start[6:-1]) if start and "no ranges" not in faults else 0
        body = server.body
        if start >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            return self.end_headers()
        if "corrupt" in faults:
            body = bytes(len(body))
        self.send_response(206 if start else 200)
        if start:
            shown = start + ("wrong range" in faults)
            self.send_header(
                "Content-Range", f"bytes {shown}-{len(body) - 1}/{len(body)}"
            )
        if "no length" not in faults:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        stop = start + server.keep if faults & {"cut", "stall"} else len(body)
        for at in range(start, stop, 50_000):
            self.wfile.write(body[at : min(at + 50_000, stop)])
            server.sent += len(body[at : min(at + 50_000, stop)])
            if "slow" in faults:
                time.sleep(0.05)
        if "stall" in faults:
            server.going_down.wait(10)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "TIMEOUT", 0.4)
    monkeypatch.setattr(download, "PAUSE", 0.01)
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.going_down.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(server, tmp_path):
    def fetch(urls=None, checksum=SHA256, **options):
        return download.fetch("file.bin", urls or server.url, checksum, **options)

    return lambda *args, **options: fetch(*args, **{"folder": tmp_path} | options)


def files(folder):
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_a_file_is_fetched_once(server, fetch, tmp_path, capsys):
    path = fetch(size=len(BODY))
    assert path == tmp_path / "file.bin" and path.read_bytes() == BODY
    assert files(tmp_path) == {"file.bin"}
    assert "file.bin" in capsys.readouterr().err  # the bar
    assert fetch() == path and len(server.requests) == 1


def test_md5_and_capital_digits_will_do(fetch):
    assert fetch(checksum=MD5.upper()).read_bytes() == BODY
    assert fetch(checksum=SHA256.upper()).read_bytes() == BODY


def test_an_interrupted_download_resumes(server, fetch, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BODY[:300_000])
    assert fetch().read_bytes() == BODY
    assert server.requests == ["bytes=300000-"] and server.sent == len(BODY) - 300_000


@pytest.mark.parametrize("fault, requests", [("no ranges", 1), ("wrong range", 2)])
def test_a_server_that_cannot_resume(server, fetch, tmp_path, fault, requests):
    (tmp_path / "file.bin.part").write_bytes(BODY[:300_000])
    server.faults = {fault}
    assert fetch().read_bytes() == BODY
    assert len(server.requests) == requests


@pytest.mark.parametrize("fault", ["cut-once", "stall-once"])
def test_a_connection_that_breaks_is_taken_up_again(server, fetch, fault):
    server.faults = {fault}
    started = time.perf_counter()
    assert fetch(size=len(BODY)).read_bytes() == BODY
    assert server.requests == [None, f"bytes={server.keep}-"]
    assert time.perf_counter() - started < 3


def test_retries_count_only_while_nothing_new_arrives(server, fetch):
    server.body, server.keep = BODY * 20, 1_500_000
    server.faults = {"cut"}
    checksum = hashlib.sha256(server.body).hexdigest()
    assert fetch(checksum=checksum).read_bytes() == server.body
    assert len(server.requests) == 6 > download.TRIES


@pytest.mark.parametrize("fault", ["stall", "cut", "busy"])
def test_retries_end(server, fetch, tmp_path, fault):
    server.faults, server.keep = {fault, "no ranges"}, 100_000
    with pytest.raises(download.DownloadError, match="could not download file"):
        fetch()
    assert len(server.requests) == download.TRIES
    assert "file.bin" not in files(tmp_path)


def test_a_cut_without_a_length_is_caught_by_the_checksum(server, fetch):
    server.faults = {"cut-once", "no length"}
    assert fetch().read_bytes() == BODY


def test_corrupt_once_is_fetched_again(server, fetch):
    server.faults = {"corrupt-once"}
    assert fetch(size=len(BODY)).read_bytes() == BODY
    assert server.requests == [None, None]


def test_corrupt_for_good_never_gets_the_name(server, fetch, tmp_path):
    server.faults = {"corrupt"}
    wrong = hashlib.sha256(bytes(len(BODY))).hexdigest()
    with pytest.raises(download.DownloadError) as error:
        fetch()
    assert wrong in str(error.value) and SHA256 in str(error.value)
    assert files(tmp_path) == set()


def test_a_missing_file_is_asked_for_once(server, fetch, tmp_path):
    server.faults = {"missing"}
    with pytest.raises(download.DownloadError) as error:
        fetch(instead="or read a book")
    for part in ("file.bin", server.url, "404", str(tmp_path), "or read a book"):
        assert part in str(error.value)
    assert len(server.requests) == 1


def test_without_a_network(fetch, server, tmp_path):
    server.server_close()
    with pytest.raises(download.DownloadError) as error:
        fetch()
    for part in ("file.bin", server.url, str(tmp_path)):
        assert part in str(error.value)


def test_the_next_address_continues(server, fetch):
    dead = "http://127.0.0.1:9/file.bin"
    assert fetch([dead, server.url]).read_bytes() == BODY
    assert len(server.requests) == 1


def test_another_file_under_the_address_is_not_taken(fetch, tmp_path):
    with pytest.raises(download.DownloadError, match="offers 409600 bytes, expected 5"):
        fetch(size=5)
    assert not (tmp_path / "file.bin.part").exists()


@pytest.mark.parametrize("size", [None, len(BODY)])
@pytest.mark.parametrize(
    "part, requests",
    [(BODY, (1, 0)), (BODY + b"more", (2, 1)), (bytes(len(BODY)), (2, 1))],
    ids=["complete", "too long", "damaged"],
)
def test_a_part_that_needs_no_more_bytes(server, fetch, tmp_path, size, part, requests):
    (tmp_path / "file.bin.part").write_bytes(part)
    assert fetch(size=size).read_bytes() == BODY
    assert files(tmp_path) == {"file.bin"}
    assert len(server.requests) == requests[size is not None]


def test_a_damaged_file_is_replaced_but_never_returned(server, fetch, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"damaged")
    server.faults = {"missing"}
    damaged = hashlib.sha256(b"damaged").hexdigest()
    with pytest.raises(download.DownloadError, match=f"file.bin: .*{damaged}"):
        fetch()
    server.faults = set()
    assert fetch().read_bytes() == BODY


def test_ctrl_c_keeps_what_has_arrived(server, fetch, tmp_path, monkeypatch):
    def update(self, n):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Bar, "update", update)
        with pytest.raises(KeyboardInterrupt):
            fetch()
    assert files(tmp_path) == {"file.bin.part"}
    arrived = (tmp_path / "file.bin.part").stat().st_size
    assert 0 < arrived < len(BODY)
    assert fetch().read_bytes() == BODY
    assert server.requests[-1] == f"bytes={arrived}-"


def start_process(server, folder):
    """Another Python that fetches the same file."""
    code = f"""if True:
        from mini.download import fetch
        fetch("file.bin", {server.url!r}, {SHA256!r})
    """
    env = os.environ | {"MINI_CACHE": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code], env=env, cwd=folder)


def test_two_processes_fetch_it_once(server, fetch, tmp_path):
    server.faults = {"slow"}
    other = start_process(server, tmp_path)
    assert fetch().read_bytes() == BODY
    assert other.wait(20) == 0
    assert len(server.requests) == 1 and server.sent == len(BODY)


def test_a_killed_process_leaves_a_part_and_no_lock(server, fetch, tmp_path):
    server.faults, server.keep = {"stall-once"}, 200_000
    other = start_process(server, tmp_path)
    part, deadline = tmp_path / "file.bin.part", time.monotonic() + 20
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    other.kill()
    other.wait()
    assert files(tmp_path) == {"file.bin.part"}
    assert fetch().read_bytes() == BODY


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("MINI_CACHE", str(tmp_path / "mine"))
    assert download.cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("MINI_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    for platform, expected in [
        ("linux", tmp_path / ".cache" / "mini"),
        ("darwin", tmp_path / "Library" / "Caches" / "mini"),
    ]:
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        assert download.cache_folder() == expected


@pytest.mark.parametrize(
    "name, urls, checksum, message",
    [
        ("a/b.bin", "http://x", SHA256, "name is 'a/b.bin'"),
        ("..", "http://x", SHA256, "name is '..'"),
        ("a.bin", [], SHA256, "urls is empty"),
        ("a.bin", "http://x", "abc", "checksum is 'abc'"),
    ],
)
def test_bad_arguments(name, urls, checksum, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        download.fetch(name, urls, checksum, folder=tmp_path)
