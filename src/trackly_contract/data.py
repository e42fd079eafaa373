"""Where the data stands: `schemas`, `contracts`, `cassettes` and the suite, in a checkout or in a wheel.

Promises: a checkout's own files win over copies in a package, so that an editable install never sees stale ones.
Refuses: to look anywhere else.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def root(package: Path = _HERE) -> Path:
    """Return the folder that holds schemas/, contracts/, cassettes/ and tests/conformance/.

    `package` is the folder of the installed package. In a checkout (`src/trackly_contract` beside
    `contracts/`) it is the checkout, elsewhere the package's `data` folder.
    Raises FileNotFoundError where neither is there.
    """
    checkout = package.parent.parent
    if package.parent.name == "src" and (checkout / "contracts" / "sources.toml").is_file():
        return checkout
    packaged = package / "data"
    if (packaged / "contracts" / "sources.toml").is_file():
        return packaged
    raise FileNotFoundError(
        f"neither {checkout / 'contracts'} nor {packaged / 'contracts'} is there: the installation is "
        "incomplete; install trackly-contract again"
    )


def suite() -> Path:
    """Return the folder of the conformance tests."""
    return root() / "tests" / "conformance"
