from .compare import (
    Described as Described,
)
from .compare import (
    WrongFileError as WrongFileError,
)
from .compare import (
    compare_reports as compare_reports,
)
from .compare import (
    load_report as load_report,
)
from .files import write_report as write_report
from .github import github_lines as github_lines
from .issues import plan_issues as plan_issues
from .issues import read_issues as read_issues
from .issues import write_issues as write_issues
from .observations import (
    ANSWERS as ANSWERS,
)
from .observations import (
    TOKENS as TOKENS,
)
from .observations import (
    Kind as Kind,
)
from .observations import (
    changed_answers as changed_answers,
)
from .observations import (
    order_of_trying as order_of_trying,
)
from .report import Report as Report
from .report import build_report as build_report
from .terminal import ignore_broken_pipe as ignore_broken_pipe
from .terminal import show_plan as show_plan
from .terminal import summarize as summarize
from .traffic_report import (
    Side as Side,
)
from .traffic_report import (
    exit_code as exit_code,
)
from .traffic_report import (
    fold as fold,
)
from .traffic_report import (
    known_names as known_names,
)
from .traffic_report import (
    lines as lines,
)
from .waivers import Waiver as Waiver
from .waivers import WaiverError as WaiverError
from .waivers import load_waivers as load_waivers
