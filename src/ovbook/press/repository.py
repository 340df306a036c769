"""Where the book is published: one setting in ``_config.yml``, and every address that follows from it.

    repository:
      url: https://github.com/OWNER/NAME
      branch: main                        # optional

Without it there is no launch button, no link to a source and no address in the citation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ovbook.errors import OvbookError

__all__ = ["NOTEBOOKS_BRANCH", "Repository", "repository_of"]

NOTEBOOKS_BRANCH = "notebooks"
"""The branch that holds the chapters as notebooks: Colab opens nothing else."""

_GITHUB = re.compile(r"https://github\.com/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)(?:\.git)?/?")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One public repository on GitHub; the methods give addresses."""

    owner: str
    name: str
    branch: str = "main"

    @property
    def url(self) -> str:
        return f"https://github.com/{self.owner}/{self.name}"

    @property
    def pages(self) -> str:
        """The site's address on GitHub Pages."""
        return f"https://{self.owner.lower()}.github.io{self.base}"

    @property
    def base(self) -> str:
        """The path under which GitHub Pages serves the site, with a slash at both ends."""
        return "/" if self.name.lower() == f"{self.owner.lower()}.github.io" else f"/{self.name}/"

    def source(self, path: str, commit: str | None = None) -> str:
        """A file of the repository, at a commit or on the branch."""
        return f"{self.url}/blob/{commit or self.branch}/{quote(path)}"

    def commit(self, commit: str) -> str:
        return f"{self.url}/commit/{commit}"

    def issue(self, title: str) -> str:
        """A new issue with `title` filled in."""
        return f"{self.url}/issues/new?{urlencode({'title': title}, quote_via=quote)}"

    def colab(self, notebook: str) -> str:
        """A notebook of `NOTEBOOKS_BRANCH` in Colab."""
        return f"https://colab.research.google.com/github/{self.owner}/{self.name}/blob/{NOTEBOOKS_BRANCH}/{quote(notebook)}"

    def binder(self, notebook: str) -> str:
        """A notebook in JupyterLab on Binder; ``binder/postBuild`` puts the chapters into ``notebooks/`` there."""
        path = quote(f"notebooks/{notebook}", safe="")
        return f"https://mybinder.org/v2/gh/{self.owner}/{self.name}/{quote(self.branch, safe='')}?labpath={path}"

    def install(self, version: str) -> str:
        """What pip installs: the package as it was at a tag or commit."""
        return f"ovbook @ git+{self.url}@{version}"


def repository_of(root: Path) -> Repository | None:
    """The repository that ``_config.yml`` in `root` names, or None; anything else there raises `OvbookError`."""
    import yaml

    try:
        config: Any = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except yaml.YAMLError as error:
        raise OvbookError(f"_config.yml is not YAML ({' '.join(str(error).split())}): mend it") from error
    setting = (config or {}).get("repository")
    if not setting:
        return None
    url = setting.get("url") if isinstance(setting, dict) else setting
    if not url:
        return None
    found = _GITHUB.fullmatch(str(url))
    if not isinstance(setting, dict) or found is None:
        raise OvbookError(
            f"_config.yml has repository {url!r}: write url: https://github.com/OWNER/NAME below repository:, or leave "
            f"the whole entry out"
        )
    return Repository(**found.groupdict(), branch=str(setting.get("branch") or "main"))
