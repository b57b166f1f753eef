"""The bar: as tqdm's in a terminal, and without a trace in a saved notebook."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from tqdm import tqdm

from mini.progress import Bar, progress

ROOT = Path(__file__).resolve().parent.parent

# Slow enough for the bar to be drawn several times (every 0.1 s).
NOTEBOOK = """
import time
from mini.progress import progress
# cell
print("before")
for i in (bar := progress(range(5), desc="train")):
    time.sleep(0.06)
    bar.set_postfix(loss=time.perf_counter())
print("after", bar.n)
# cell
for i in progress(range(9)):
    time.sleep(0.06)
    if i == 3:
        break
i
# cell
try:
    for i in progress(i for i in range(9)):
        time.sleep(0.11)
        1 / (i - 2)
except ZeroDivisionError:
    print("caught")
# cell
for epoch in progress(range(2)):
    for i in progress(range(3), desc="inner"):
        time.sleep(0.06)
# cell
with progress(total=3) as bar:
    bar.update(3)
bar.set_postfix(loss=1.0)
"""
CELLS = NOTEBOOK.split("# cell\n")
EMPTY = {"output_type": "display_data", "data": {}, "metadata": {}}


def printed(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that was run once, with everything the kernel sent on the way."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    updates = []

    class Client(NotebookClient):
        def process_message(self, msg, cell, cell_index):
            if msg["msg_type"] == "update_display_data":
                updates.append((cell_index, msg["content"]["data"]))
            return super().process_message(msg, cell, cell_index)

    Client(notebook, timeout=60).execute()
    path = tmp_path_factory.mktemp("notebook") / "bars.ipynb"
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    yield path, notebook, updates
    patch.undo()


def test_a_saved_notebook_holds_empty_outputs_only(executed):
    _, notebook, _ = executed
    result = {"output_type": "execute_result", "data": {"text/plain": "3"}}
    expected = [
        [],
        [printed("before\n"), EMPTY, printed("after 5\n")],
        [EMPTY, result | {"metadata": {}, "execution_count": 3}],
        [EMPTY, printed("caught\n")],
        [EMPTY, EMPTY, EMPTY],
        [EMPTY],
    ]
    assert [cell.outputs for cell in notebook.cells] == expected


def test_the_bar_was_live_while_the_cell_ran(executed):
    _, _, updates = executed
    texts = [data["text/plain"] for cell, data in updates if cell == 1 and data]
    assert texts[0].startswith("train:   0%") and len(texts) >= 2
    assert "loss=" in texts[-1] and "/5 [" in texts[-1]
    for cell in range(1, len(CELLS)):
        assert [data for index, data in updates if index == cell][-1] == {}


def test_nbval_finds_the_same_in_a_second_run(executed):
    path, _, _ = executed
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    options = {"cwd": path.parent, "capture_output": True, "text": True}
    run = subprocess.run([*command, path], check=False, **options)
    assert f"{len(CELLS)} passed" in run.stdout and run.returncode == 0, run.stdout


def test_in_a_terminal_it_writes_to_stderr(capsys):
    for _ in (bar := progress(range(3), desc="train")):
        bar.set_postfix(loss=0.25)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("\rtrain:   0%")
    assert "100%" in err and "3/3" in err and "loss=0.25" in err and err.endswith("\n")


def test_total_is_the_length_unless_given():
    assert progress(range(7)).total == 7
    assert progress(iter(range(7))).total is None
    assert progress(iter(range(7)), total=9).total == 9


def test_a_break_closes_the_bar(capsys):
    for i in (bar := progress(range(9))):
        if i == 3:
            break
    assert bar.disable and bar not in tqdm._instances
    assert capsys.readouterr().err.endswith("\n")


def test_it_draws_ten_times_a_second_at_most(monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr(Bar, "display", lambda self, *a, **k: drawn.append(self.n))
    for i in (bar := progress(range(5000))):
        bar.set_postfix(loss=i)
    assert len(drawn) < 5


def test_without_ipywidgets_and_without_ipython():
    code = (
        "import sys; sys.modules['ipywidgets'] = sys.modules['IPython'] = None\n"
        "from mini.progress import progress\n"
        "print(sum(progress(range(4))))"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, check=False
    )
    assert run.stdout.strip() == b"6" and b"4/4" in run.stderr
