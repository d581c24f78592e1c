"""The GitHub action of action.yml: that it can be read, that its scripts pass shellcheck, and what they do when the
tool ends with each of its exit codes."""
import pathlib
import shutil
import subprocess

import pytest

yaml = pytest.importorskip("yaml")

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


def defaults(**given):
    """The environment of a step, with the inputs as they are given or by default."""
    inputs = {name: str(given.get(name, said["default"])) for name, said in ACTION["inputs"].items()}
    return {name: inputs[value[len("${{ inputs."):-len(" }}")]] for name, value in STEPS["Check"]["env"].items()}


def check(tmp_path, code, **given):
    """Runs the step with a tool that ends so. (exit code, output, what the job's files hold)"""
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/bash\nprintf "%s\\n" "$@" > words\n'
                    f'[[ {code} -eq 3 ]] || echo report > "cap here/check.md"\nexit {code}\n')
    tool.chmod(0o755)
    environment = {**defaults(tool=tool, folder="cap here", **given), "PATH": "/usr/bin:/bin",
                   "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_OUTPUT": "outputs", "GITHUB_STEP_SUMMARY": "summary"}
    done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS["Check"]["run"]],
                          cwd=tmp_path, env=environment, capture_output=True, text=True)
    read = {name: (tmp_path / name).read_text() if (tmp_path / name).exists() else ""
            for name in ("words", "outputs", "summary")}
    return done.returncode, done.stdout, read


def test_every_step_is_complete():
    assert ACTION["runs"]["using"] == "composite"
    for step in ACTION["runs"]["steps"]:
        assert ("run" in step) != ("uses" in step) and ("shell" in step) == ("run" in step)
        assert "${{" not in step.get("run", ""), "inputs reach scripts by the environment alone"
    assert ACTION["outputs"]["code"]["value"] == "${{ steps.%s.outputs.code }}" % STEPS["Check"]["id"]


def test_scripts_pass_shellcheck():
    if not shutil.which("shellcheck"):
        pytest.skip("no shellcheck")
    for step in ACTION["runs"]["steps"]:
        if "run" in step:
            done = subprocess.run(["shellcheck", "-s", "bash", "-"], input=step["run"], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_verdict_is_the_steps(code, tmp_path):
    found, said, read = check(tmp_path, code)
    assert found == code and "::warning::" not in said
    assert read["outputs"] == f"code={code}\n"
    assert read["summary"] == ("" if code == 3 else "report\n")
    words = read["words"].splitlines()
    assert words[:2] == ["check", "--baseline"] and pathlib.Path(words[2]).is_file() and "--suite" not in words


@pytest.mark.parametrize("invalid, code", [("warn", 0), ("fail", 2)])
def test_a_noisy_machine(invalid, code, tmp_path):
    found, said, read = check(tmp_path, 2, invalid=invalid)
    assert found == code and ("::warning::" in said) == (code == 0) and read["outputs"] == "code=2\n"


def test_another_word_for_a_noisy_machine_is_refused(tmp_path):
    found, said, read = check(tmp_path, 0, invalid="Fail")
    assert found == 3 and "invalid is 'Fail', expected warn or fail" in said and read["words"] == ""


def test_a_suite_and_a_baseline_of_ones_own(tmp_path):
    words = check(tmp_path, 0, suite="my suite.json", baseline="my baseline.json")[2]["words"].splitlines()
    assert words[words.index("--suite") + 1] == "my suite.json"
    assert words[words.index("--baseline") + 1] == "my baseline.json"


def test_the_tool_has_these_options():
    tool = ROOT / "build" / "release" / "vidattn"
    if not tool.exists():
        pytest.skip(f"no tool at {tool}")
    said = subprocess.run([tool, "check", "--help"], capture_output=True, text=True).stdout
    for option in ("--baseline", "--suite", "--db", "--junit", "--markdown", "--out"):
        assert option in said and option in STEPS["Check"]["run"]
