"""The model hub: names of revisions, the commits behind them, and an ordinary hub cache to publish into.

A **revision** is a name for one state of a repository; checkpoints of one run are revisions called
``step{N}-tokens{M}``, as OLMo's are. A **commit** is the hash that a revision stands for; a spec that names
one names its data for good. ``HF_ENDPOINT``, ``HF_HUB_OFFLINE`` and the usual proxies are respected.
"""

from __future__ import annotations

from ovbook.hub.cache import cached_revisions, publish
from ovbook.hub.client import Unreachable, explain, list_revisions, resolve
from ovbook.hub.names import Revision, is_commit, nearest_revision, parse_revision, revision_name

__all__ = [
    "Revision",
    "Unreachable",
    "cached_revisions",
    "explain",
    "is_commit",
    "list_revisions",
    "nearest_revision",
    "parse_revision",
    "publish",
    "resolve",
    "revision_name",
]
