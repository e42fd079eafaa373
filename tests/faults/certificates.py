"""Throwaway certificates, made anew for each run of the tests: no private key is in a repository."""

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import trustme

from trackly_contract.gate.http import HOST


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="trackly-certificates-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def authority() -> Path:
    """Return the certificate of the authority that signs all of them."""
    path = _folder() / "authority.pem"
    _authority().cert_pem.write_to_path(path)
    return path


@cache
def certificate(name: str) -> Path:
    """Return a certificate with its key: `local` is good for loopback, `elsewhere` for another host, `expired` was."""
    made = _authority().issue_cert(
        "elsewhere.example" if name == "elsewhere" else HOST,
        not_before=datetime(2000, 1, 1, tzinfo=UTC),
        not_after=datetime(2001, 1, 1, tzinfo=UTC) if name == "expired" else None,
    )
    path = _folder() / f"{name}.pem"
    made.private_key_and_cert_chain_pem.write_to_path(path)
    return path
