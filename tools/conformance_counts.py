"""Counts what the vector tests compare: runs them in this process and reads their own counters."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "python"
sys.path.insert(0, str(TESTS))

from mnn_vectors import PROFILES, Vectors  # noqa: E402

MODULES = ["test_vectors_mnn", "test_vectors_mnn_calib", "test_vectors_mnn_models"]
SUBSETS = {"nan", "unspecified"}  # quantities that say something about values counted elsewhere
FORMAT = "qsim-conformance 1"


class Listener:
    """A pytest plugin: which test compared how many values with which recorded results."""

    def __init__(self) -> None:
        self.values: Counter[tuple[str, str]] = Counter()
        self.cases: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.failed: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Around each test: the growth of its module's COUNTS."""
        counts: Counter[Any] = getattr(item, "module", None).COUNTS
        before = counts.copy()
        try:
            return (yield)
        except AssertionError as error:
            self.failed[item.nodeid.rpartition("::")[2]] = str(error).split("\n")[0]
            raise
        finally:
            for key, value in (counts - before).items():
                self.note(item, key, value)

    def note(self, item: pytest.Item, key: tuple[str, ...], value: int) -> None:
        """One counter of one test that grew by `value`."""
        module = getattr(item, "module", None).__name__
        params = getattr(item, "callspec").params  # noqa: B009
        case = params.get("case_id") or params["case"]["id"]
        family, where, *quantity = key
        if module == "test_vectors_mnn_models":
            if quantity[0] in SUBSETS:
                return
            family = "E"
        elif module == "test_vectors_mnn_calib" and family == "E":
            return  # the same recorded values as in the whole models
        self.values[family, where] += value
        self.cases[family, where].add(case)


def unspecified(vectors: Vectors) -> dict[str, dict[str, dict[str, int]]]:
    """Family -> target -> reason -> results that the engine leaves to stale memory."""
    out: dict[str, dict[str, Counter[str]]] = {}
    for case in vectors.manifest["cases"]:
        for target, results in case.get("unspecified", {}).items():
            reasons = out.setdefault(case["family"], {}).setdefault(target, Counter())
            reasons.update(results.values())
    return {
        family: {
            where: dict(sorted(by[where].items())) for where in PROFILES if where in by
        }
        for family, by in sorted(out.items())
    }


def count() -> dict[str, Any]:
    """The content of conformance.json."""
    listener = Listener()
    files = [str(TESTS / f"{name}.py") for name in MODULES]
    options = ["-q", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "-o", "addopts="]
    status = pytest.main([*options, "--rootdir", str(ROOT), *files], plugins=[listener])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not listener.values:
        raise RuntimeError(f"the vector tests could not run: pytest ended with {status!r}")
    vectors = Vectors()
    hosts = [f"calib-{host}" for host in vectors.manifest["calibration_hosts"]]
    families: dict[str, Any] = {}
    for family in sorted({family for family, _ in listener.values}):
        families[family] = {
            where: {
                "cases": len(listener.cases[family, where]),
                "values": listener.values[family, where],
            }
            for where in [*PROFILES, *hosts]
            if (family, where) in listener.values
        }
    return {
        "format": FORMAT,
        "engine": vectors.manifest["engine"],
        "families": families,
        "unmatched": [{"test": k, "reason": v} for k, v in sorted(listener.failed.items())],
        "unspecified": unspecified(vectors),
    }
