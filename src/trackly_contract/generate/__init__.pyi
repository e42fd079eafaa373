from .cases import (
    POSITIONS as POSITIONS,
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
    Position as Position,
)
from .cases import (
    RejectionCase as RejectionCase,
)
from .cases import (
    Tokens as Tokens,
)
from .cases import (
    candidate_types as candidate_types,
)
from .cases import (
    rejection_cases as rejection_cases,
)
from .cases import (
    with_lists as with_lists,
)
from .strategies import (
    EmptyVocabularyError as EmptyVocabularyError,
)
from .strategies import (
    RejectedBody as RejectedBody,
)
from .strategies import (
    conditions as conditions,
)
from .strategies import (
    filters as filters,
)
from .strategies import (
    rejected_bodies as rejected_bodies,
)
from .strategies import (
    rejection_codes as rejection_codes,
)
from .strategies import (
    update_bodies as update_bodies,
)
from .updates import (
    accepted as accepted,
)
from .updates import (
    alone as alone,
)
from .updates import (
    candidate_condition as candidate_condition,
)
from .updates import corpus as corpus
from .updates import (
    documented_conditions as documented_conditions,
)
from .updates import (
    together as together,
)
from .updates import (
    update_sequence as update_sequence,
)
