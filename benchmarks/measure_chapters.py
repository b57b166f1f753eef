"""Run every chapter in a fresh kernel and write what it takes into README.md's table.

`make measure`, or `python -m benchmarks.measure_chapters`. The chapters themselves stay
untouched; on a machine that does other work at the same time the minutes mean little.
"""

import re
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- chapters:begin -->", "<!-- chapters:end -->"
PEAK_MEMORY = """
import resource, sys
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
    1 if sys.platform == "darwin" else 1024))
"""


def question(notebook):
    """The chapter's first heading, without "Chapter 6." before it."""
    for cell in notebook.cells:
        if heading := re.search(r"^# (.+)$", cell.source, re.MULTILINE):
            return re.sub(r"^(Chapter )?\d+[.:]? *", "", heading[1]).strip()
    raise ValueError("question: the notebook has no heading that starts with '# '")


def measure(path):
    """One run of a notebook: wall time in seconds, peak resident memory in bytes."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK_MEMORY))
    where = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=where
    )
    start = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - start
    return seconds, int(notebook.cells[-1].outputs[0].text)


def row(path):
    seconds, memory = measure(path)
    asked = question(nbformat.read(path, as_version=4))
    link = f"[{path.stem[:2]}](chapters/{path.name})"
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {seconds:.0f} s, {memory / 1e6:.0f} MB, {size:.2f} MB on disk")
    return f"| {link} | {asked} | {seconds / 60:.1f} | {memory / 1e6:.0f} |"


def main():
    readme = ROOT / "README.md"
    before, _, after = re.split(f"{BEGIN}|{END}", readme.read_text("utf-8"))
    chapters = sorted((ROOT / "chapters").glob("*.ipynb"))
    head = ["| chapter | question | minutes | peak memory, MB |", "|---|---|--:|--:|"]
    table = "\n".join(["", *head, *map(row, chapters), ""])
    readme.write_text(before + BEGIN + table + END + after, "utf-8")


if __name__ == "__main__":
    main()
