"""Fetch a file once, check it and keep it, on networks that stall, cut and corrupt."""

import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from mini.progress import progress

TIMEOUT = 20.0  # seconds of silence after which a connection counts as stalled
TRIES = 3  # rounds over all addresses that may bring nothing new
PAUSE = 0.5  # seconds before the second round, doubled before each later one
HEADERS = {"User-Agent": "Mozilla/5.0 (mini)", "Accept-Encoding": "identity"}


class DownloadError(OSError):
    """No address gave the file; the message says what to do instead."""


def cache_folder():
    """Folder of downloads: `MINI_CACHE`, else the platform's place for caches."""
    if folder := os.environ.get("MINI_CACHE"):
        return Path(folder).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mini"
    variable = "LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME"
    return Path(os.environ.get(variable) or Path.home() / ".cache") / "mini"


def checksum_of(path, like):
    """Checksum of a file, in hexadecimal: SHA-256 or MD5, whichever `like` is."""
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, {64: "sha256", 32: "md5"}[len(like)]
        ).hexdigest()


def fetch(name, urls, checksum, size=None, folder=None, *, instead=""):
    """Path of the file `name`, downloaded unless an intact copy is in `folder`.

    `urls` (one or several) are tried in turn; `checksum` is a SHA-256 or MD5 in
    hexadecimal; `size` is in bytes; `folder` defaults to `cache_folder()`. What has
    arrived waits in `name.part` and is resumed; only a file whose checksum is right
    gets the name. Processes that want the same file wait for the first. Raises
    DownloadError, which ends with `instead`, when no address gave the file.
    """
    urls = [urls] if isinstance(urls, str) else list(urls)
    if name in ("", "..") or Path(name).name != name:
        raise ValueError(f"fetch: name is {name!r}, expected a plain file name")
    if len(checksum) not in (32, 64):
        raise ValueError(
            f"fetch: checksum is {checksum!r}, expected 64 (SHA-256) or 32 (MD5) digits"
        )
    if not urls:
        raise ValueError(f"fetch: urls is empty, expected an address of {name}")
    path = Path(folder or cache_folder()) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _intact(path, checksum):
        with _alone(path.with_name(".lock")):
            if not _intact(path, checksum):  # nobody fetched it while we waited
                _fetch_from_any(path, urls, checksum.lower(), size, instead)
    return path


def _intact(path, checksum):
    return path.exists() and checksum_of(path, checksum) == checksum.lower()


@contextmanager
def _alone(path):
    """Hold the lock file `path`; the system frees it even if the process is killed."""
    with open(path, "ab") as file:
        if os.name == "nt":
            _lock_on_windows(file)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_on_windows(file):
    import msvcrt

    while True:
        try:
            file.seek(0)
            return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        except OSError:  # it gives up after ten seconds; a download takes longer
            continue


def _fetch_from_any(path, urls, checksum, size, instead):
    """Put the file at `path`, or raise DownloadError with each address's reason."""
    part = path.with_name(path.name + ".part")
    reasons, most, tries = {}, _size(part), 0
    while tries < TRIES:
        time.sleep(PAUSE * 2 ** (tries - 1) if tries else 0)
        live = [url for url in urls if not _final(reasons.get(url))]
        for url in live:
            try:
                _download(url, part, size)
                if (actual := checksum_of(part, checksum)) == checksum:
                    return os.replace(part, path)
                part.unlink()
                reasons[url] = f"sent a file with checksum {actual}, not {checksum}"
            except (OSError, http.client.HTTPException) as error:
                reasons[url] = error
        # A round that brought a good piece of the file is not held against it.
        gained = _size(part) >= most + 2**20
        tries = 0 if gained else tries + 1 if live else TRIES
        most = max(most, _size(part))
    if path.exists():
        reasons[path] = f"has checksum {checksum_of(path, checksum)}, not {checksum}"
    where = "\n".join(f"  {place}: {reason}" for place, reason in reasons.items())
    raise DownloadError(
        f"fetch: could not download {path.name}\n{where}\n"
        f"Without a network: get the file elsewhere and put it into the folder\n"
        f"  {path.parent}\n{instead}".rstrip()
    )


def _final(reason):
    """True for an answer like 404, which asking again will not change."""
    code = getattr(reason, "code", 0)
    return 400 <= code < 500 and code not in (408, 429)


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _download(url, part, size):
    """Complete the file `part` from `url`; on an error what has arrived stays there."""
    have = _size(part)
    if size is not None and have > size:
        part.unlink()  # longer than the file: not a piece of it
        have = 0
    if size is not None and have == size:
        return
    ranged = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers=HEADERS | ranged)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            _receive(answer, part, have, size)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416 or not have:
            raise
        # "Nothing there": we have the whole file already, or more than there is.
        if error.headers.get("Content-Range") != f"bytes */{have}":
            part.unlink()
            _download(url, part, size)


def _receive(answer, part, have, size):
    if answer.status == 206:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise OSError(f"sent another range than the one from byte {have}")
    elif answer.status == 200:
        have = 0  # the server does not resume: this is the file from its beginning
    else:
        raise OSError(f"answered with status {answer.status}")
    total = have + answer.length if answer.length is not None else size
    if size is not None and total != size:
        raise OSError(f"offers {total} bytes, expected {size}")
    bar = progress(total=total, initial=have, desc=part.stem, unit="B", unit_scale=True)
    with bar, open(part, "ab" if have else "wb") as file:
        while piece := answer.read1(2**16):
            file.write(piece)
            have += len(piece)
            bar.update(len(piece))
    if total is not None and have < total:
        raise OSError(f"broke off after {have} of {total} bytes")
