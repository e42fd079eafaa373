from .files import (
    UnwritableError as UnwritableError,
)
from .files import (
    data_root as data_root,
)
from .files import (
    recover_folder as recover_folder,
)
from .files import (
    replace_folder as replace_folder,
)
from .files import (
    suite_folder as suite_folder,
)
from .files import (
    toml_entries as toml_entries,
)
from .files import (
    write_file as write_file,
)
from .http import (
    DEFAULT_BASE_URL as DEFAULT_BASE_URL,
)
from .http import (
    STAMP as STAMP,
)
from .http import (
    Exchange as Exchange,
)
from .http import (
    Headers as Headers,
)
from .http import (
    Request as Request,
)
from .http import (
    Response as Response,
)
from .json import (
    ABSENT as ABSENT,
)
from .json import (
    JSON as JSON,
)
from .json import (
    NotJSONError as NotJSONError,
)
from .json import (
    differences as differences,
)
from .json import (
    encode as encode,
)
from .json import (
    escape as escape,
)
from .json import (
    laid_out as laid_out,
)
from .json import (
    nesting as nesting,
)
from .json import (
    parse as parse,
)
from .json import (
    same as same,
)
from .json import (
    shortened as shortened,
)
from .json import (
    show as show,
)
from .json import (
    step as step,
)
from .json import (
    value_at as value_at,
)
from .redact import (
    holds as holds,
)
from .redact import (
    keyless as keyless,
)
from .redact import (
    logged_without as logged_without,
)
from .redact import (
    redacted as redacted,
)
from .redact import (
    redacted_body as redacted_body,
)
from .redact import (
    without as without,
)
from .text import WIDTH as WIDTH
from .text import one_line as one_line
from .text import printable as printable
from .text import short as short
from .verdict import (
    BrokenError as BrokenError,
)
from .verdict import (
    ExitCode as ExitCode,
)
from .verdict import (
    Finding as Finding,
)
from .verdict import (
    InconclusiveError as InconclusiveError,
)
from .verdict import (
    RunVerdict as RunVerdict,
)
from .verdict import (
    Verdict as Verdict,
)
from .verdict import (
    run_verdict as run_verdict,
)
from .verdict import (
    verdict_of as verdict_of,
)
