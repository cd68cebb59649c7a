"""Writes cases/*.golden: `python make.py` for all, `python make.py dense losses` for some families."""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
MODULES = ["layers", "elements", "losses", "optimizers"]


def main():
    wanted = set(sys.argv[1:])
    for name in MODULES:
        for family, cases in importlib.import_module(name).cases():
            if wanted and family not in wanted:
                continue
            cases = list(cases)
            text = f"# Made by make.py ({name}.py).\n\n" + "\n".join(case.block() for case in cases)
            (HERE / "cases" / f"{family}.golden").write_text(text)
            print(f"{family}: {len(cases)} cases, {len(text)} bytes")


if __name__ == "__main__":
    main()
