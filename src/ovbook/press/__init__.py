"""From chapters to pages: convert, execute, check, render, serve.

Knows chapters as files, and nothing of models.
"""

from __future__ import annotations

__all__: list[str] = []
