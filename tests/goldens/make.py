"""Writes cases/*.golden and trajectories.golden: `python make.py` for all, `python make.py dense losses` for some families."""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
# TensorFlow and PyTorch each in an environment of its own, where they don't get along: `--torch` makes PyTorch's cases.
KERAS = ["layers", "elements", "losses", "optimizers", "recurrent", "attention", "trajectories"]
TORCH = ["torch_cases"]


def main():
    arguments = set(sys.argv[1:])
    modules = TORCH if "--torch" in arguments else KERAS
    wanted = arguments - {"--torch"}
    for name in modules:
        for family, cases in importlib.import_module(name).cases():
            if wanted and family not in wanted:
                continue
            cases = list(cases)
            text = f"# Made by make.py ({name}.py).\n\n" + "\n".join(case.block() for case in cases)
            folder = HERE if family == "trajectories" else HERE / "cases"
            (folder / f"{family}.golden").write_text(text)
            print(f"{family}: {len(cases)} cases, {len(text)} bytes")


if __name__ == "__main__":
    main()
