"""The command line: a mistake gives one sentence, and every option has its effect."""

import json
import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from archarena.harness import DataSet


@pytest.fixture
def toys(toy_task, make_model, tmp_path):
    """Return options for the toy plugins and a results folder."""
    plugins = ["--plugin", toy_task, "--plugin", make_model()]
    return [*plugins, "--model", "good", "--task", "toy", "--tier", "smoke", "--results", tmp_path / "results"]


COMMANDS = [
    "run",
    "list",
    "new",
    "check",
    "show",
    "why",
    "compare",
    "forget",
    "rescore",
    "board",
    "data",
    "submit",
    "verify",
    "doctor",
    "clean",
    "bench",
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(call, name):
    code, out, _ = call(name, "--help")
    assert code == 0
    assert f"Example: archarena {name}" in re.sub(r"\s+", " ", out)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--task", "recall-mqr"], "There is no task 'recall-mqr'. Did you mean 'recall-mqar'?"),
        (["run", "--suite", "recal"], "There is no suite 'recal'. Did you mean 'recall'?"),
        (["run", "--tier", "huge"], "There is no tier 'huge'."),
        (["run", "--device", "gpu"], "--device gpu: use auto, cpu or cuda."),
        (["run", "--rerun", "some"], "--rerun some: use missing, failed, stale or all."),
        (["run", "--seeds", "2", "--seed", "1"], "Use --seeds COUNT or --seed NUMBER, not both"),
        (["run", "--data", "/no/such/folder"], "--data: folder /no/such/folder does not exist."),
        (["list", "modles"], "There is no list of 'modles'"),
        (["run", "--seed", "-1"], "--seed"),
        (["run", "--plugin", "absent.py"], "The plugin absent.py does not exist"),
        (["check", "manba"], "There is no model or task 'manba'. Did you mean 'mamba'?"),
        (["check", "recal-mqar"], "There is no model or task 'recal-mqar'. Did you mean 'recall-mqar'?"),
        (["check", "absent.py"], "absent.py does not exist"),
        (["rescore", "--results", "/no/such/results"], "There is no results folder /no/such/results."),
        (["show", "mamba/none", "--results", "/no/such/results"], "has no record of 'mamba/none'"),
        (["board", "/no/such/results"], "/no/such/results"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(call, arguments, says):
    code, _, err = call(*arguments)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_an_unknown_flag_is_refused(call):
    code, _, err = call("run", "--sedes", "3")
    assert code == 2
    assert "--sedes" in err


def test_a_dry_run_says_what_and_runs_nothing(call, toys, tmp_path):
    code, out, _ = call("run", *toys, "--seeds", 2, "--set", "good.scale=1.0,2.0", "--dry-run")
    assert code == 0
    assert "good[scale=2.0]/toy/smoke/s1" in out
    assert "4 cells to run, 0 with a record." in out
    assert "estimated from the tier's target time if there is no record; divide" in out
    assert "GiB free" in out
    assert not (tmp_path / "results").exists()


def test_a_dry_run_says_which_seeds_train_together(call, toys):
    plugin = toys[3]
    plugin.write_text(plugin.read_text().replace('family="test"', 'family="test", together=8'))
    _, out, _ = call("run", *toys, "--seeds", 4, "--device", "cpu", "--dry-run")
    assert "good/toy/smoke/s0 with s1, s2, s3: trained together" in out


def test_run_show_why_and_board(call, toys, tmp_path):
    results, plugins = tmp_path / "results", toys[:4]
    code, out, err = call("run", *toys, "--seed", 3, "--jobs", 1, "--device", "cpu")
    assert code == 0, err
    assert "1 ok. The records are in" in out
    assert "[1/1] ok       good on toy s3" in err

    _, out, _ = call("show", "good/toy", "--results", results)
    assert "good/toy/smoke/s3: ok" in out
    assert re.search(r"size: width \d+, depth 2, [\d,]+ parameters in the body \([+-]\d\.\d % of 12,000\)", out)
    assert "run again: archarena run --model good --task toy --tier smoke --seed 3" in out
    _, out, _ = call("show", "good/toy", "--results", results, "--json")
    assert json.loads(out)["cell"]["seed"] == 3

    _, out, _ = call("why", "good/toy", "--results", results, *plugins, "--device", "cpu")
    assert "would not run again" in out
    plugins[3].write_text(plugins[3].read_text().replace("torch.tanh", "torch.sin"))
    _, out, _ = call("why", "good/toy", "--results", results, *plugins, "--device", "cpu")
    assert "would run again, because these parts of its key changed:\n  model_source:" in out

    code, out, _ = call("board", results, "-o", tmp_path / "site")
    assert code == 0
    assert "good" in (tmp_path / "site" / "index.html").read_text()


def test_a_failed_cell_gives_exit_code_1_unless_allowed(call, toys, make_model):
    make_model(body="raise ValueError('no')")
    code, out, _ = call("run", *toys, "--inline")
    assert code == 1
    assert "crashed: good on toy s0: ValueError: no" in out
    assert "`archarena show good/toy/smoke/s0 --results" in out
    assert call("run", *toys, "--inline", "--allow-failures")[0] == 0


def test_check_names_each_point_and_what_fails(call, toy_task):
    code, out, _ = call("check", toy_task)
    assert code == 0, out
    assert "task toy" in out
    assert "All checks passed." in out
    toy_task.write_text(toy_task.read_text().replace("rows(streams.fixed, 40)", "rows(streams.train, 40)"))
    code, out, _ = call("check", toy_task)
    assert code == 1
    assert "failed  deterministic" in out


def test_a_task_without_its_data_is_not_checked(call, tmp_path):
    code, out, _ = call("check", "lra-text", "--data", tmp_path)
    assert code == 1
    assert "Not checked, because the data is missing: lra-text." in out
    assert "passed" not in out


def test_other_steps_and_learning_rates_are_kept_with_the_record(call, toys, tmp_path):
    code, _, err = call("run", *toys, "--steps", 3, "--learning-rates", "0.02", "--inline", "--device", "cpu")
    assert code == 0, err
    code, out, _ = call(
        "show", "good/toy/smoke/common[steps=3,learning_rates=0.02]/s0", "--results", tmp_path / "results"
    )
    assert code == 0
    assert "--steps 3 --learning-rates 0.02" in out
    assert re.search(r"rate 0.02: validation \S+ after 3 steps \(budget used, decay from step 2\) <- chosen", out)


def test_skipped_cells_are_not_counted_as_ok(call, toys):
    code, out, _ = call("run", *toys, "--model", "lr", "--recipe", "published", "--inline")
    assert code == 0
    assert out.startswith("2 skipped. The records are in ")


def test_data_status_names_each_set_its_license_and_where_it_was_looked_for(call, tmp_path):
    code, out, _ = call("data", "status", "--data", tmp_path)
    assert code == 0
    for name in ("imdb:", "math:", "frappe:", "frappe-raw:"):
        assert name in out
    assert str(tmp_path) in out
    assert "License:" in out


def test_output_cut_short_by_a_pipe_is_no_error():
    command = f"{sys.executable} -m archarena.harness list | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True)
    assert done.stdout == "models:\n"
    assert "Traceback" not in done.stderr


def test_data_import_and_fetch_say_what_is_wrong(call, tmp_path, monkeypatch):
    monkeypatch.delenv("ARCHARENA_HUB", raising=False)
    code, _, err = call("data", "fetch", "imdb", "--data", tmp_path)
    assert code == 2
    assert "set ARCHARENA_HUB=1" in err
    code, _, err = call("data", "fetch", "imbd", "--data", tmp_path)
    assert code == 2
    assert "There is no data set 'imbd'. Did you mean 'imdb'?" in err
    code, _, err = call("data", "import", "enwik8", tmp_path, "--data", tmp_path)
    assert code == 2
    assert "expected enwik8 or enwik8.zip" in err
    (tmp_path / "enwik8.zip").write_bytes(b"no zip")
    code, _, err = call("data", "import", "enwik8", tmp_path / "enwik8.zip", "--data", tmp_path)
    assert code == 2
    assert "Cannot read" in err


def test_a_plugin_with_a_module_next_to_it_runs_in_a_child_process(call, toys, make_model):
    file = make_model()
    (file.parent / "activations.py").write_text("import torch\n\n\ndef squash(x):\n    return torch.tanh(x)\n")
    source = file.read_text().replace("import torch\n", "import torch\nfrom activations import squash\n", 1)
    file.write_text(source.replace("torch.tanh", "squash"))
    code, out, err = call("run", *toys, "--jobs", 1, "--device", "cpu")
    assert code == 0, out + err


def test_a_checksum_is_printed_as_a_data_set_states_it(call, tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("text,label\ngood,1\nbad,0\n")
    code, out, _ = call("data", "checksum", file)
    assert code == 0
    stated = eval(f"dict({out})")
    assert stated["columns"] == {"text": str, "label": int}
    DataSet("own", "two rows", "none", **stated).check(file, "train")
    _, _, err = call("data", "checksum", file, "--column", "lable")
    assert err.startswith("archarena: There is no column 'lable'. Did you mean 'label'?")


def test_import_creates_the_data_folder(call, tmp_path):
    (tmp_path / "enwik8").write_bytes(b"too short")
    code, _, err = call("data", "import", "enwik8", tmp_path / "enwik8", "--data", tmp_path / "new" / "folder")
    assert code == 2
    assert "does not exist" not in err


def test_list_describes_a_model(call):
    code, out, _ = call("list", "mamba")
    assert code == 0
    assert "model mamba: " in out
    assert "arXiv:2312.00752" in out
    assert "hyperparameter d_state: int, default 16, from 1 to" in out
    assert "runs on every kind of task" in out


def test_list_describes_a_task(call, toy_task):
    code, out, _ = call("list", "toy", "--plugin", toy_task)
    assert code == 0
    assert "tier smoke: count 64; 20 steps of 8 rows" in out
    assert "column toy: accuracy (higher is better), chance 0.5, ceiling 1. Share of right rows." in out
    assert "data: generated, no files are needed" in out
    _, out, _ = call("list", "math-500")
    assert "License: MIT" in out


@pytest.mark.parametrize("name", ["pretrained", "served"])
def test_a_model_without_its_required_setting_is_refused_before_a_run(call, name):
    code, _, err = call("run", "--model", name, "--task", "recall-mqar")
    assert code == 2
    assert re.search(rf"Model '{name}' runs only with a value of (path|url): add --set {name}\.\1=VALUE\.", err)


def test_a_variant_is_named_as_on_the_board(call):
    code, out, _ = call("run", "-m", "mamba[d_state=8,d_conv=2]", "-t", "recall-mqar", "--dry-run")
    assert code == 0
    assert "mamba[d_conv=2,d_state=8]/recall-mqar/quick/s0" in out
    assert call("run", "-m", "mamba[d_stat=8]", "-t", "recall-mqar", "--dry-run")[0] == 2


def test_the_version_is_printed(call):
    assert call("--version") == (0, f"archarena {version('archarena')}\n", "")
