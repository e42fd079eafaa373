from .decide import (
    DEEPEST as DEEPEST,
)
from .decide import (
    LONGEST_TEXT as LONGEST_TEXT,
)
from .decide import (
    MOST_FAILURES as MOST_FAILURES,
)
from .decide import (
    Failure as Failure,
)
from .decide import (
    Schemas as Schemas,
)
from .decide import (
    document as document,
)
from .decide import (
    schemas as schemas,
)
from .filters import (
    GUARD as GUARD,
)
from .filters import (
    IMPOSSIBLE_AGE as IMPOSSIBLE_AGE,
)
from .filters import (
    IMPOSSIBLE_COUNT as IMPOSSIBLE_COUNT,
)
from .filters import (
    NOBODY as NOBODY,
)
from .filters import (
    Part as Part,
)
from .filters import (
    as_answered as as_answered,
)
from .filters import (
    as_request as as_request,
)
from .filters import (
    depth as depth,
)
from .filters import (
    filter_differences as filter_differences,
)
from .filters import (
    matches_nobody as matches_nobody,
)
from .filters import (
    parts_of as parts_of,
)
from .filters import (
    snake_case as snake_case,
)
from .load import (
    Contract as Contract,
)
from .load import (
    ContractError as ContractError,
)
from .load import (
    answered_questions as answered_questions,
)
from .load import (
    by_key as by_key,
)
from .load import (
    contract as contract,
)
from .load import (
    missing_vectors as missing_vectors,
)
from .load import (
    read_data as read_data,
)
from .load import (
    read_entries as read_entries,
)
from .load import (
    words_of as words_of,
)
from .model import (
    KINDS as KINDS,
)
from .model import (
    UPDATE_FIELDS as UPDATE_FIELDS,
)
from .model import (
    Entry as Entry,
)
from .model import (
    Impact as Impact,
)
from .model import (
    Mentioned as Mentioned,
)
from .model import (
    Observation as Observation,
)
from .model import (
    Probe as Probe,
)
from .model import (
    Question as Question,
)
from .model import (
    RequestVector as RequestVector,
)
from .model import (
    Rule as Rule,
)
from .model import (
    Situation as Situation,
)
from .vocabulary import (
    Observed as Observed,
)
from .vocabulary import (
    Outcome as Outcome,
)
from .vocabulary import (
    Trial as Trial,
)
from .vocabulary import (
    Vocabulary as Vocabulary,
)
from .vocabulary import (
    code_of as code_of,
)
from .vocabulary import (
    summed_up as summed_up,
)
