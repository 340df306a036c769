"""The model hub: names of revisions, the commits behind them, and an ordinary hub cache to publish into.

A **revision** is a name for one state of a repository; checkpoints of one run are revisions called
``step{N}-tokens{M}``, as OLMo's are. A **commit** is the hash that a revision stands for; a spec that names
one names its data for good. ``HF_ENDPOINT``, ``HF_HUB_OFFLINE`` and the usual proxies are respected.
"""

from __future__ import annotations

from ovbook.hub.cache import cached_commit, cached_names, cached_revisions, publish, remember
from ovbook.hub.client import Unreachable, explain, list_revisions, resolve
from ovbook.hub.data_sets import patient_data_sets, read_data_set
from ovbook.hub.download import download, list_files
from ovbook.hub.names import Revision, is_commit, nearest_revision, parse_revision, revision_name

__all__ = [
    "Revision",
    "Unreachable",
    "cached_commit",
    "cached_names",
    "cached_revisions",
    "download",
    "explain",
    "is_commit",
    "list_files",
    "list_revisions",
    "nearest_revision",
    "parse_revision",
    "patient_data_sets",
    "publish",
    "read_data_set",
    "remember",
    "resolve",
    "revision_name",
]
