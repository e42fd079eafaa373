from .accepted import (
    accepted_filters as accepted_filters,
)
from .accepted import (
    alone as alone,
)
from .accepted import (
    candidate_condition as candidate_condition,
)
from .accepted import (
    documented_conditions as documented_conditions,
)
from .accepted import (
    together as together,
)
from .cases import (
    CANDIDATE_TYPES as CANDIDATE_TYPES,
)
from .cases import (
    PLACES as PLACES,
)
from .cases import (
    UNKNOWN_ID as UNKNOWN_ID,
)
from .cases import (
    VECTOR_LISTS as VECTOR_LISTS,
)
from .cases import (
    WRONG_KEY as WRONG_KEY,
)
from .cases import (
    Effort as Effort,
)
from .cases import (
    Place as Place,
)
from .cases import (
    RefusalCase as RefusalCase,
)
from .cases import (
    Tokens as Tokens,
)
from .cases import (
    refusal_cases as refusal_cases,
)
from .frozen_corpus import corpus as corpus
from .sequences import update_sequence as update_sequence
