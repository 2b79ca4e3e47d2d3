"""Plain data: what stands in the files of mylos-bench, with None for what was not measured."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class Error:
    """Errors against fp64, in the unit that the file names."""

    unit: str
    bound: Optional[float]
    max_before: Optional[float]
    rms_before: Optional[float]
    max_after: Optional[float]
    rms_after: Optional[float]
    passed: Optional[bool]

    @property
    def worst(self):
        known = [value for value in (self.max_before, self.max_after) if value is not None]
        return max(known) if known else None

    @property
    def of_bound(self):
        return self.worst / self.bound if self.worst is not None and self.bound else None


@dataclass
class Case:
    """One case of one run. Times in ms."""

    name: str
    suite: str = ""
    case: str = ""
    operator: str = ""
    family: str = ""
    dtype: str = ""
    shape: str = ""
    layout: str = ""
    path: str = ""
    cache: str = ""
    kernel: str = ""
    samples: list = field(default_factory=list)
    sample_count: Optional[float] = None
    median: Optional[float] = None
    p10: Optional[float] = None
    p90: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    bytes: Optional[float] = None
    bytes_formula: str = ""
    flops: Optional[float] = None
    flops_formula: str = ""
    gbs: Optional[float] = None
    tflops: Optional[float] = None
    bound: str = ""
    ceiling: dict = field(default_factory=dict)
    of_ceiling: Optional[float] = None
    error: Optional[Error] = None
    repeatable: Optional[bool] = None
    first_call: Optional[float] = None
    memory: Optional[float] = None
    telemetry: dict = field(default_factory=dict)
    valid: bool = True
    invalid_reason: str = ""
    eager: Optional[float] = None
    compiled: Optional[float] = None
    reference_machine: str = ""
    repro: str = ""

    @property
    def problem(self):
        """What is computed, whoever computes it: the key that joins machines and paths."""
        return (self.suite, self.case, self.dtype, self.shape, self.layout, self.cache)

    @property
    def intensity(self):
        return self.flops / self.bytes if self.flops and self.bytes else None


@dataclass
class Run:
    """One machine at one time: one file, or several whose cases do not overlap."""

    machine: str
    files: list
    context: dict
    info: dict
    cases: dict
    ceilings: list
    telemetry: dict
    skipped: list
    options: list
    suites: list
    rules: str = ""  # how the program chooses a case's ceiling, in words
    date: str = ""
    label: str = ""
    index: int = 0
    replaced: bool = False  # a later run of the same machine is among the files

    @property
    def valid_cases(self):
        return [case for case in self.cases.values() if case.valid]

    @property
    def invalid_cases(self):
        return [case for case in self.cases.values() if not case.valid]
