"""The built-in profiles as a read-only mapping by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from qsim import _core
from qsim._core import Profile
from qsim.htmltable import html_table


class Profiles(Mapping[str, Profile]):
    """Built-in profiles by dotted name; unknown names raise KeyError with close matches."""

    def __init__(self) -> None:
        self._rows = {row.name: row for row in _core.catalogue()}

    def __getitem__(self, name: str) -> Profile:
        """The row called `name`."""
        if name in self._rows:
            return self._rows[name]
        close = self.search(str(name)) if name else []
        close = close or difflib.get_close_matches(str(name), self._rows, n=3, cutoff=0.4)
        hint = f"; close: {', '.join(close[:3])}" if close else "; qsim.profiles lists the names"
        raise KeyError(f"profile {name!r} is not in the catalogue{hint}")

    def __iter__(self) -> Iterator[str]:
        """Names in catalogue order."""
        return iter(self._rows)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._rows)

    def search(self, text: str) -> list[str]:
        """Names that contain `text`."""
        return [name for name in self._rows if text in name]

    def _repr_html_(self) -> str:
        """Names and evidence as a table for notebooks."""
        rows = [[name, row.evidence] for name, row in self._rows.items()]
        return html_table("profiles", ["name", "evidence"], rows)

    def __repr__(self) -> str:
        """Names with their evidence, one per line."""
        return "\n".join(f"{name:40} {row.evidence}" for name, row in self._rows.items())


profiles = Profiles()


def resolve(profile: Profile | str) -> Profile:
    """A profile by object or name."""
    if isinstance(profile, Profile):
        return profile
    if not isinstance(profile, str):
        raise TypeError(f"profile: expected a name or a Profile, got {type(profile).__name__}")
    return profiles[profile]
