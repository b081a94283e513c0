"""The speech network's single-operator models: every code, and what other arithmetic changes."""

from __future__ import annotations

import numpy as np
import pytest

import seanet_cases
from integer_court import ONE_ROUNDING, TWO_ROUNDINGS, Court, OracleCourt
from library_integers import LibraryCourt
from seanet_cases import HERE, ORIGIN, ROOT
from tflite_file import Tensor

COURTS: list[Court] = [OracleCourt(), LibraryCourt("tflite.ref.x64")]

NAMES = seanet_cases.names()
OTHERS = {
    "differ_origin_arithmetic": OracleCourt(),
    "differ_if_one_rounding": OracleCourt("one_rounding", narrow=ONE_ROUNDING),
    "differ_if_32bit_rescale": OracleCourt("wide_multiplier", wide=TWO_ROUNDINGS),
}


def differing(name: str, court: Court) -> int:
    """Codes of a case that the court computes differently."""
    case = seanet_cases.read(name)
    got = seanet_cases.run(case, court)
    assert got.shape == case.expected.shape
    assert got.dtype == case.expected.dtype
    return int(np.count_nonzero(got != case.expected))


def described(tensor: Tensor) -> str:
    """A tensor as cases.csv writes it."""
    text = f"{np.dtype(tensor.dtype).name}[{'x'.join(map(str, tensor.shape))}]"
    if tensor.scales.size == 0:
        return text
    return f"{text} s={tensor.scale:.9g} z={tensor.zero_point}"


@pytest.mark.parametrize("court", COURTS, ids=lambda court: court.name)
@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, court: Court) -> None:
    assert differing(name, court) == 0


def test_other_rescaling_changes_as_many_codes_as_recorded() -> None:
    recorded = {line["case"]: line for line in seanet_cases.table("schemes.csv")}
    for name in NAMES:
        line = recorded[name]
        assert seanet_cases.read(name).expected.size == int(line["elements"])
        changed = {scheme: differing(name, court) for scheme, court in OTHERS.items()}
        assert changed == {scheme: int(line[scheme]) for scheme in OTHERS}, name


def test_the_set_tells_the_schemes_apart() -> None:
    lines = seanet_cases.table("schemes.csv")
    assert len(lines) == 66
    one, wide = (
        [line["case"].split("/")[0] for line in lines if int(line[scheme]) > 0]
        for scheme in ("differ_if_one_rounding", "differ_if_32bit_rescale"))
    assert one == ["leaky_relu"] * 11
    assert sorted(wide) == ["conv"] * 11 + ["transpose_conv"] * 3


def test_leaky_relu_factors_are_binary32_results() -> None:
    """In binary64 one code of leaky_relu18 changes."""
    case = seanet_cases.read("leaky_relu/leaky_relu18")
    source, target = case.operator.inputs[0], case.operator.outputs[0]
    assert source is not None
    court = OracleCourt()
    values = case.value(source).astype(np.int32)
    alpha = case.operator.options["alpha"]
    codes = [
        court.rescale(values, *court.quantize_multiplier(factor))
        for factor in (source.scale / target.scale, source.scale * alpha / target.scale)
    ]
    got = np.clip(np.where(values >= 0, *codes), *seanet_cases.RAILS)
    assert np.count_nonzero(got != case.expected) == 1


@pytest.mark.parametrize("name", NAMES)
def test_model_loads_as_listed(name: str) -> None:
    (line,) = (line for line in seanet_cases.table("cases.csv") if line["case"] == name)
    case = seanet_cases.read(name)
    assert f"{case.operator.name} v{case.operator.version}" == line["ops"]
    assert "; ".join(map(described, case.model.inputs)) == line["inputs"]
    assert "; ".join(map(described, case.model.outputs)) == line["output"]
    assert (ROOT / f"{name}.tflite").stat().st_size == int(line["model_bytes"])
    for tensor, value in zip(case.model.inputs, case.inputs, strict=True):
        assert (value.shape, value.dtype) == (tensor.shape, tensor.dtype)


@pytest.mark.skipif(not ORIGIN.is_dir(), reason="needs the whole set; set QSIM_SHARED")
def test_the_selection_holds_what_the_set_holds() -> None:
    copies = [path for path in HERE.glob("*/*") if path.is_file()]
    assert len(copies) >= 2 * 20
    for path in [*copies, *HERE.glob("*.csv")]:
        assert path.read_bytes() == (ORIGIN / path.relative_to(HERE)).read_bytes()
    operators = {path.parent.name for path in ORIGIN.glob("*/*.tflite")}
    assert {path.parent.name for path in copies} == operators
