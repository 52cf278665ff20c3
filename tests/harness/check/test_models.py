"""Broken plugins: each is found by exactly the intended check."""

import os
import warnings
from pathlib import Path

import pytest
import torch
from archarena.harness import Classes, TaskSpec, Tokens
from archarena.harness.check import check_model
from archarena.harness.check.samples import SPECS
from archarena.harness.contract.scan import scan

SEQUENCE = """
import os, random, warnings
import numpy as np
import torch
from torch import nn
from archarena.harness import SequenceModel, Size, assemble, register_model
{top}

@register_model("plugin", summary="A gated moving average, over one side or both.")
class Plugin(SequenceModel):
    def __init__(self, width, depth, causal, *, gain: float = 1.0):
        super().__init__()
        {start}
        self.causal = causal
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        {init}

    def forward(self, x, lengths=None):
        valid = torch.ones(x.shape[:2], device=x.device, dtype=x.dtype)
        if lengths is not None:
            valid = (torch.arange(x.shape[1]) < lengths[:, None]).to(x.dtype)
        valid = valid[..., None]
        {valid}
        h = self.norm(x) * valid
        mean = h.cumsum(1) / valid.cumsum(1) if self.causal else h.sum(1, True) / valid.sum(1, True)
        y = x + self.outer(torch.tanh(self.inner(h + mean.expand_as(h))))
        {forward}
        return y
    {methods}
"""

FIELDS = """
import torch
from torch import nn
from archarena.harness import FieldModel, register_model

@register_model("plugin", summary="One hidden layer over pooled fields.")
class Plugin(FieldModel):
    def __init__(self, fields, outputs, width):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(count, 8, padding_idx=0) for count in fields.cardinalities)
        self.body = nn.Linear(8 * len(fields.cardinalities) + fields.n_dense, width)
        self.readout = nn.Linear(width, outputs)
        {init}

    def forward(self, ids, dense=None):
        {start}
        parts = [table(ids[:, f]).mean(1) for f, table in enumerate(self.tables)]
        h = torch.cat(parts if dense is None else [*parts, dense], 1)
        {forward}
        return self.readout(torch.tanh(self.body(h)))

    def body_parameters(self):
        return {body}
"""

SEQUENCE_SPECS = {name: SPECS[name] for name in ("tokens to classes", "tokens to a class each, causal")}
FIELD_SPECS = {name: SPECS[name] for name in ("fields to a click", "tokens to classes")}


def write_plugin(folder, source, **parts):
    """Write a plugin with `parts` in its slots and return its entry."""
    slots = dict.fromkeys(("top", "start", "init", "valid", "forward", "methods"), "")
    file = folder / f"plugin{len(list(folder.iterdir()))}.py"
    file.write_text(source.format(**slots | {"body": "self.body.parameters()"} | parts))
    return scan(file)[0]


def broken_points(folder, source, specs, **parts):
    """Check a plugin and return the names of the checks that failed."""
    findings = check_model(write_plugin(folder, source, **parts), specs)
    return [finding.name for finding in findings if finding.status == "failed"]


def test_a_good_sequence_model_passes_on_every_kind_of_task(tmp_path):
    assert broken_points(tmp_path, SEQUENCE, None) == []


def test_a_good_field_model_passes_on_every_kind_of_task(tmp_path):
    assert broken_points(tmp_path, FIELDS, None) == []


SEQUENCE_FAULTS = {
    "sees the next position": ("look-ahead", {"forward": "y = y + y.roll(-1, 1) if self.causal else y"}),
    "looks ahead behind a gate that starts at zero": (
        "look-ahead",
        {
            "init": "self.gate = nn.Parameter(torch.zeros(1))",
            "forward": "y = y + self.gate * y.roll(-1, 1) if self.causal else y + self.gate * y",
        },
    ),
    "chooses by a later token, without a gradient": (
        "look-ahead",
        {"forward": "y = y + (y[:, -1:] > 0).to(y.dtype) if self.causal else y"},
    ),
    "looks ahead only in rows longer than those of the other checks": (
        "look-ahead in long rows",
        {"forward": "y = y + y.roll(-1, 1) if self.causal and x.shape[1] > 100 else y"},
    ),
    "sees one side where it may see both": (
        "reach",
        {"init": "self.causal = True"},
    ),
    "has a parameter that nothing reads": ("gradients", {"init": "self.spare = nn.Parameter(torch.ones(3))"}),
    "cuts the gradient of a layer": (
        "gradients",
        {"init": "self.cut = nn.Linear(width, width)", "forward": "y = y + self.cut(y).detach()"},
    ),
    "declares a dead parameter that it does not have": (
        "gradients",
        {"methods": "def dead_parameters(self): return {'ghost': 'it starts at zero'}"},
    ),
    "names a parameter twice": (
        "param_groups",
        {"methods": "def param_groups(self): return [{'params': [self.norm.weight, self.norm.weight]}]"},
    ),
    "names an unknown key of a group": (
        "param_groups",
        {"methods": "def param_groups(self): return [{'params': [self.norm.weight], 'rate': 1.0}]"},
    ),
    "steps otherwise than it goes forward": (
        "step",
        {
            "methods": """def init_state(self, batch):
        return self.norm.weight.new_zeros(batch, 1)

    def step(self, x, state):
        return self.forward(x[:, None])[:, 0], state + 1"""
        },
    ),
    "averages over padding": ("padding", {"valid": "valid = torch.ones_like(valid)"}),
    "gives NaN": ("finite", {"forward": "y = y / (y - y)"}),
    "gives a NaN gradient": ("finite", {"forward": "y = y + 0 * (x - x).sqrt()"}),
    "has another shape": ("shapes", {"forward": "y = y[:, :-1]"}),
    "draws weights that no seed moves": (
        "seed",
        {"init": "g = torch.Generator().manual_seed(1); [p.data.normal_(generator=g) for p in self.parameters()]"},
    ),
    "draws weights from the operating system": (
        "seed",
        {"init": "self.norm.weight.data.fill_(1 + int.from_bytes(os.urandom(4), 'big') / 2**32)"},
    ),
    "normalises over the batch outside training": (
        "batch size",
        {"forward": "y = y - 0.5 * y.mean(0, True)"},
    ),
    "cannot be built without data": ("size", {"init": "self.total = torch.arange(width).sum().item()"}),
    "takes any hyperparameter": (
        "hyperparameters",
        {
            "methods": """@classmethod
    def build(cls, spec, size, **anything):
        return assemble(cls, spec, size, **{k: v for k, v in anything.items() if k == 'gain'})"""
        },
    ),
    "raises": ("build", {"init": "raise ValueError('no heads')"}),
    "changes the default dtype": ("global state", {"top": "torch.set_default_dtype(torch.float64)"}),
    "turns gradients off": ("global state", {"top": "torch.set_grad_enabled(False)"}),
    "takes more threads": ("global state", {"top": "torch.set_num_threads(2)"}),
    "seeds on import": ("global state", {"top": "torch.manual_seed(0)"}),
    "draws from NumPy's global generator": ("global state", {"init": "np.random.rand()"}),
    "draws from Python's global generator": ("global state", {"init": "random.random()"}),
    "silences all warnings": ("global state", {"top": "warnings.filterwarnings('ignore')"}),
    "sets an environment variable": ("global state", {"init": "os.environ['PLUGIN_WAS_HERE'] = '1'"}),
    "moves to another folder": ("global state", {"init": "os.chdir('/')"}),
    "tunes cuDNN": ("global state", {"init": "torch.backends.cudnn.benchmark = True"}),
    "does not import": ("import", {"top": "import no_such_package"}),
}


@pytest.mark.parametrize("fault", SEQUENCE_FAULTS)
def test_a_fault_of_a_sequence_model_is_caught_by_its_point(fault, tmp_path):
    point, parts = SEQUENCE_FAULTS[fault]
    assert broken_points(tmp_path, SEQUENCE, SEQUENCE_SPECS, **parts) == [point]


def test_a_size_that_ignores_the_width_is_refused_with_the_numbers(tmp_path):
    layers = "self.inner, self.outer = nn.Linear(width, 256), nn.Linear(256, width); self.big = nn.GRU(256, 256)"
    forward = "y = y + self.outer(self.big(torch.zeros(1, 1, 256))[0][0])"
    file = tmp_path / "plugin.py"
    fields = dict.fromkeys(("top", "start", "valid", "methods"), "")
    file.write_text(SEQUENCE.format(**fields, init=layers, forward=forward))
    findings = check_model(scan(file)[0], {"tokens": SPECS["tokens to classes"]})
    (size,) = [finding for finding in findings if finding.name == "size"]
    assert size.status == "failed"
    assert "at width 1, the nearest to the 12,000 of the tier: +3,1" in size.message


FIELD_FAULTS = {
    "overlooks a field": ("reach", {"start": "ids = torch.cat([ids[:, 1:2].clamp(max=6), ids[:, 1:]], 1)"}),
    "gives float64": ("shapes", {"init": "self.double()", "forward": "h = h.double()"}),
    "names no body": ("size", {"body": "[]"}),
    "counts a body that is not its own": ("size", {"body": "nn.Linear(3, 3).parameters()"}),
    "learns too slowly": ("overfit", {"init": "self.readout.weight.data *= 1e-6", "forward": "h = 1e-6 * h"}),
    "compares rows of a batch": ("batch size", {"forward": "h = h - h.mean(0)"}),
}


@pytest.mark.parametrize("fault", FIELD_FAULTS)
def test_a_fault_of_a_field_model_is_caught_by_its_point(fault, tmp_path):
    point, parts = FIELD_FAULTS[fault]
    assert broken_points(tmp_path, FIELDS, FIELD_SPECS, **parts) == [point]


def test_the_state_a_plugin_changed_is_put_back(tmp_path):
    folder, environment, filters = Path.cwd(), dict(os.environ), list(warnings.filters)
    changes = "torch.set_default_dtype(torch.float64); os.environ['PLUGIN_WAS_HERE'] = '1'; os.chdir('/')"
    broken_points(tmp_path, SEQUENCE, SEQUENCE_SPECS, top=changes + "; warnings.simplefilter('ignore')")
    assert torch.get_default_dtype() == torch.float32
    assert Path.cwd() == folder
    assert dict(os.environ) == environment
    assert warnings.filters == filters


def test_checking_draws_nothing_from_the_global_generator(tmp_path):
    before = torch.get_rng_state()
    assert broken_points(tmp_path, SEQUENCE, SEQUENCE_SPECS) == []
    assert torch.equal(before, torch.get_rng_state())


def test_a_task_the_model_declines_is_skipped_with_its_reason(tmp_path):
    methods = """@classmethod
    def supports(cls, spec):
        return None if spec.causal else 'it reads left to right'"""
    entry = write_plugin(tmp_path, SEQUENCE, methods=methods)
    findings = {finding.name: finding for finding in check_model(entry, SEQUENCE_SPECS)}
    assert findings["supports tokens to classes"].status == "skipped"
    assert findings["supports tokens to classes"].message == "it reads left to right"
    assert findings["padding"].status == "ok"


def test_a_declared_dead_parameter_is_accepted(tmp_path):
    parts = {
        "init": "self.a = nn.Parameter(torch.zeros(1)); self.b = nn.Parameter(torch.zeros(1))",
        "forward": "y = y + self.a * self.b * x",
    }
    assert broken_points(tmp_path, SEQUENCE, SEQUENCE_SPECS, **parts) == ["gradients"]
    methods = "def dead_parameters(self): return dict.fromkeys(('a', 'b'), 'the other starts at zero')"
    assert broken_points(tmp_path, SEQUENCE, SEQUENCE_SPECS, methods=methods, **parts) == []


def test_what_failed_is_told_with_the_task_and_the_parameter(tmp_path):
    entry = write_plugin(tmp_path, SEQUENCE, init="self.spare = nn.Parameter(torch.ones(3))")
    findings = {finding.name: finding for finding in check_model(entry, SEQUENCE_SPECS)}
    told = "tokens to classes: no gradient reaches core.spare (and on 1 more)"
    assert findings["gradients"].message == told


def test_a_class_can_be_checked_on_a_task_of_ones_own(tmp_path):
    cls = write_plugin(tmp_path, SEQUENCE).load()
    findings = check_model(cls, {"mine": TaskSpec(Tokens(50, 20), Classes(3))})
    assert {finding.status for finding in findings} == {"ok", "skipped"}


WRITER = """
import random
from archarena.harness import register_model


@register_model("writer", summary="Counts.")
class Writer:
    def generate(self, prompts, *, samples, max_new_tokens, temperature, stop, seed):
        return [[{text}] * {samples} for prompt in prompts]
"""


@pytest.mark.parametrize(
    ("text", "samples", "says"),
    [
        ("prompt[:max_new_tokens]", "samples", None),
        ("str(seed)", "samples", "at temperature 0, another seed gives different texts"),
        ("prompt", "1", "must return 2 texts for each of 2 prompts"),
    ],
)
def test_a_model_that_only_writes_text_is_asked_for_texts(tmp_path, text, samples, says):
    file = tmp_path / "writer.py"
    file.write_text(WRITER.format(text=text, samples=samples))
    failed = [finding for finding in check_model(scan(file)[0]) if finding.status == "failed"]
    assert [finding.name for finding in failed] == ([] if says is None else ["answers"])
    assert says is None or says in failed[0].message


@pytest.mark.parametrize(
    ("source", "method"),
    [(SEQUENCE, "forward(x, lengths)"), (FIELDS, "forward(ids, dense)"), (FIELDS, "body_parameters()")],
)
def test_a_missing_method_is_named(tmp_path, source, method):
    entry = write_plugin(tmp_path, source)
    defined = method.partition("(")[0]
    entry.file.write_text(entry.file.read_text().replace(f"def {defined}(", f"def other_{defined}("))
    specs = SEQUENCE_SPECS if source is SEQUENCE else FIELD_SPECS
    failed = [finding.message for finding in check_model(entry, specs) if finding.status == "failed"]
    assert any(f"Model 'plugin' does not define {method}" in message for message in failed)
