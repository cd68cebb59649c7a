#!/usr/bin/env python3
"""Times kiln and every installed peer on the workloads, in turn, and prints Markdown tables of how they compare.

For each workload, batch and number of threads, kiln and the peers are measured one after another, several rounds over,
with the machine's rate of multiply-adds measured before and after each: clocks and neighbours move, so only what stands in
one round is compared. A ratio is the median over rounds.

What is measured is added to DIR/times.tsv, so that a run may be cut in parts by --cases, --threads and --peers; --table
prints what the file holds. Peers that are not installed are named and left out; README.md beside this file says how to
install them.
"""

import argparse
import os
import pathlib
import platform
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CASES = ["mlp:128", "mlp:32", "cnn:32", "cnn:128", "lstm:32", "lstm:128", "autoencoder:256", "transformer:8",
         "mlp_infer:1", "cnn_infer:1", "cnn_infer:32", "lstm_infer:1"]
COLUMNS = ["run", "round", "framework", "workload", "batch", "threads", "median_us", "min_us", "peak_rss_mb",
           "warmup_s", "fma_gflops"]
# Name, virtual environment and program, for those that stay between rounds because they take seconds to start.
PYTHON = [("torch-eager", "torch", "torch_peer.py"), ("torch-eager-cl", "torch", "torch_peer.py"),
          ("torch-compile", "torch", "torch_peer.py"), ("torch-compile-cl", "torch", "torch_peer.py"),
          ("keras-graph", "tf", "keras_peer.py"), ("keras-xla", "tf", "keras_peer.py"), ("jax", "jax", "jax_peer.py")]
RUST = ["burn", "candle", "dfdx"]


def flops(workload, batch):
    """Multiplications and additions of a workload's products and convolutions, counted dense: no gradient of the inputs."""
    network = workload.removesuffix("_infer")
    # Of one row, forward: first layer, the others.
    first, rest = {
        "mlp": (784 * 512, 512 * 512 + 512 * 10),
        "cnn": (26 * 26 * 32 * 9, 11 * 11 * 64 * 288 + 1600 * 128 + 128 * 10),
        "lstm": (10 * 10 * 512, 10 * 3 * 128 * 512 + 128 * 10),
        "autoencoder": (784 * 32, 32 * 784),
        # Each block: projections, scores and their sums (all of them, though half are masked), the MLP.
        "transformer": (0, 64 * (4 * (4 * 128 * 128 + 2 * 64 * 128 + 8 * 128 * 128) + 128 * 65)),
    }[network]
    times = (1, 1) if network != workload else (2, 3)
    return 2 * batch * (times[0] * first + times[1] * rest)


class Peer:
    """A program that prints a line of times, started for each round, or once if it is `resident`."""

    def __init__(self, name, command, resident=False):
        self.name, self.command, self.resident, self.process = name, [str(word) for word in command], resident, None

    def start(self, case, threads, environment, timeout):
        """Whether it is ready; a resident peer warms up here."""
        workload, batch = case
        self.case = [workload, str(batch), str(threads)]
        self.environment = environment
        if not self.resident:
            return True
        # A file, so that no peer waits until its warnings are read.
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([*self.command[:2], *self.case, "-", *self.command[2:]], text=True,
                                        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors)
        # It says `ready`, or it ends.
        said, _, _ = select.select([self.process.stdout], [], [], timeout)
        if said and self.process.stdout.readline().strip() == "ready":
            return True
        if not said:
            self.stop()
            return complain(self.name, self.case, f"not ready in {timeout} s")
        self.process.communicate()
        self.errors.seek(0)
        return complain(self.name, self.case, self.errors.read(), self.process.returncode)

    def measure(self, seconds):
        """A line of times, or nothing."""
        if self.process:
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
            return self.process.stdout.readline().strip()
        done = subprocess.run([*self.command, *self.case, str(seconds)], text=True, capture_output=True,
                              env=self.environment)
        return done.stdout.strip() if done.returncode == 0 else complain(self.name, self.case, done.stderr, done.returncode)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None


def complain(name, case, why, code=None):
    """Nothing, and why; but of workloads that a peer does not have (3) nothing needs to be said."""
    if code != 3:
        why = next((line for line in reversed(why.splitlines()) if line.strip()), "it ended")
        print(f"{name} is left out of {' '.join(case)}: {why}", file=sys.stderr)
    return ""


def installed(venvs, rust, wanted):
    """The peers that are there; the others are named."""
    peers = []
    for name, environment, program in PYTHON:
        python = venvs / environment / "bin" / "python"
        mode = name.split("-", 1)[1] if "-" in name else "jit"
        if python.exists():
            peers.append(Peer(name, [python, HERE / program, "--mode", mode], resident=True))
        else:
            print(f"{name} is not installed: there is no {environment}/bin/python in --venvs", file=sys.stderr)
    for name in RUST:
        program = rust / "release" / f"{name}-peer"
        if program.exists():
            peers.append(Peer(name, [program]))
        else:
            print(f"{name} is not built: there is no release/{name}-peer in --rust", file=sys.stderr)
    return [peer for peer in peers if wanted is None or peer.name in wanted]


def fma(kiln, threads):
    """The rate of multiply-adds, 10^9 operations a second."""
    line = subprocess.run([kiln, "probe", str(threads), "--fma"], text=True, capture_output=True, check=True).stdout
    return float(line.split("\t")[3])


def measure(options, kiln, peers, file):
    # The programs say it themselves.
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    run = time.strftime("%Y%m%dT%H%M%S")
    for threads in options.threads:
        for case in options.cases:
            ready = [peer for peer in [Peer("kiln", [kiln]), *peers]
                     if peer.start(case, threads, environment, options.timeout)]
            for turn in range(options.rounds):
                before = fma(kiln, threads)
                for peer in list(ready):
                    line = peer.measure(options.seconds)
                    after = fma(kiln, threads)
                    if not line:
                        ready.remove(peer)
                        continue
                    # The better one: neighbours only take away.
                    file.write("\t".join([run, str(turn), line, f"{max(before, after):.1f}"]) + "\n")
                    file.flush()
                    before = after
            for peer in peers:
                peer.stop()
            print(f"measured {case[0]} {case[1]} with {threads} thread(s): {', '.join(peer.name for peer in ready)}",
                  file=sys.stderr, flush=True)


def read(path):
    """The lines of the file as dictionaries."""
    rows = []
    for line in path.read_text().splitlines()[1:]:
        row = dict(zip(COLUMNS, line.split("\t")))
        rows.append(row | {key: float(row[key]) for key in ("median_us", "peak_rss_mb", "fma_gflops")})
    return rows


def table(rows):
    """Markdown: kiln, the best peer, the floor; then each peer's ratio to kiln."""
    cases = list(dict.fromkeys((row["workload"], row["batch"], row["threads"]) for row in rows))
    order = [f"{workload}:{batch}" for workload, batch, _ in cases]
    known = {case: place for place, case in enumerate(CASES)}
    cases.sort(key=lambda case: (known.get(f"{case[0]}:{case[1]}", len(CASES) + order.index(f"{case[0]}:{case[1]}")),
                                 int(case[2])))
    names = [name for name, *_ in PYTHON] + RUST
    names = [name for name in names if any(row["framework"] == name for row in rows)]
    first = ["| workload, batch, threads | kiln | FMA rate | kiln / floor | best peer | takes | best peer / kiln |",
             "|---|---:|---:|---:|---|---:|---:|"]
    second = ["| workload, batch, threads | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    memory = {name: [] for name in ["kiln", *names]}
    for workload, batch, threads in cases:
        own = [row for row in rows if (row["workload"], row["batch"], row["threads"]) == (workload, batch, threads)]
        times = {}
        for row in own:
            times.setdefault(row["framework"], {})[row["run"], row["round"]] = row
            memory[row["framework"]].append(row["peak_rss_mb"])
        kiln = times.get("kiln", {})
        if not kiln:
            continue
        middle = statistics.median(row["median_us"] for row in kiln.values())
        rate = statistics.median(row["fma_gflops"] for row in kiln.values())
        work = flops(workload, int(batch))
        floor = statistics.median(row["median_us"] * row["fma_gflops"] * 1e3 / work for row in kiln.values())
        ratios, medians = {}, {}
        for name in names:
            pairs = [(row["median_us"] / kiln[key]["median_us"], row["median_us"])
                     for key, row in times.get(name, {}).items() if key in kiln]
            if pairs:
                ratios[name] = statistics.median(ratio for ratio, _ in pairs)
                medians[name] = statistics.median(time for _, time in pairs)
        case = f"{workload} {batch}, {threads}"
        best = min(ratios, key=ratios.get, default=None)
        beside = "| | | |" if best is None else f"| {best} | {time_of(medians[best])} | {ratios[best]:.2f} |"
        first.append(f"| {case} | {time_of(middle)} | {rate:.0f} | {floor:.2f} {beside}")
        second.append(f"| {case} | " + " | ".join(f"{ratios[name]:.2f}" if name in ratios else "" for name in names) + " |")
    peaks = [f"{name} {min(held):.0f} to {max(held):.0f}" for name, held in memory.items() if held]
    return "\n".join([*first, "", "How many times as long as kiln each takes:", "", *second, "",
                      "Peak memory of the process in MiB: " + ", ".join(peaks) + "."])


def time_of(micros):
    return f"{micros / 1000:.2f} ms" if micros >= 1000 else f"{micros:.1f} µs"


def machine(kiln, venvs):
    """What the figures were measured on and with."""
    info = pathlib.Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.*)", info.read_text()) if info.exists() else None
    line = subprocess.run([kiln, "probe", "1", "--fma"], text=True, capture_output=True, check=True).stdout.split("\t")
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, text=True, capture_output=True).stdout.strip() or "unknown"
    versions = []
    for environment, names in {"torch": ["torch"], "tf": ["tensorflow", "tensorflow-cpu", "keras"],
                               "jax": ["jax", "jaxlib", "optax"]}.items():
        python = venvs / environment / "bin" / "python"
        if python.exists():
            code = "import importlib.metadata as m, sys\nfor n in sys.argv[1:]:\n try: print(n, m.version(n))\n except m.PackageNotFoundError: pass"
            versions += subprocess.run([python, "-c", code, *names], text=True, capture_output=True).stdout.splitlines()
    manifests = [(HERE / "rust" / name / "Cargo.toml").read_text() for name in RUST]
    versions += [f"{name} {version}" for name, version in
                 (re.search(r'^(burn|candle-core|dfdx) = .*?"=([\d.]+)"', text, re.M).groups() for text in manifests)]
    processor = model.group(1) if model else platform.processor()
    return (f"{processor}, {os.cpu_count()} processors, {platform.system()} {platform.release()}, instruction set "
            f"{line[2]}; kiln at {commit}; {', '.join(versions)}.")


def case(text):
    workload, _, batch = text.partition(":")
    if not batch.isdigit():
        raise argparse.ArgumentTypeError("expected WORKLOAD:BATCH")
    flops_of = workload.removesuffix("_infer")
    if flops_of not in ("mlp", "cnn", "lstm", "autoencoder", "transformer"):
        raise argparse.ArgumentTypeError(f"there is no workload {workload}")
    return workload, int(batch)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", type=case, default=[case(text) for text in CASES], metavar="NAME:BATCH",
                        help=f"which workloads (default: {' '.join(CASES)})")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument("--peers", nargs="*", metavar="NAME",
                        help=f"only these of {' '.join([name for name, *_ in PYTHON] + RUST)}")
    parser.add_argument("--seconds", type=float, default=0.7, help="of each measurement (default: 0.7)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds in which a peer must have warmed up")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("peers-out"), metavar="DIR",
                        help="for times.tsv and table.md (default: peers-out)")
    parser.add_argument("--venvs", type=pathlib.Path, default=HERE / "venvs", metavar="DIR",
                        help="holds the virtual environments torch, tf and jax (default: venvs beside this file)")
    parser.add_argument("--rust", type=pathlib.Path, default=HERE / "rust" / "target", metavar="DIR",
                        help="cargo's target folder of the Rust peers (default: rust/target beside this file)")
    parser.add_argument("--kiln", type=pathlib.Path, default=ROOT / "target" / "release" / "workloads", metavar="FILE",
                        help="kiln's program (default: what `cargo build --release --bin workloads` makes)")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the tables of what was measured")
    return parser.parse_args()


def main():
    given = options()
    kiln = given.kiln if given.kiln.exists() else shutil.which(str(given.kiln))
    if kiln is None:
        sys.exit(f"there is no {given.kiln}: cargo build --release --bin workloads")
    given.out.mkdir(parents=True, exist_ok=True)
    times = given.out / "times.tsv"
    if not times.exists():
        times.write_text("\t".join(COLUMNS) + "\n")
    if not given.table:
        with times.open("a") as file:
            measure(given, kiln, installed(given.venvs, given.rust, given.peers), file)
    text = table(read(times)) + "\n\n" + machine(kiln, given.venvs) + "\n"
    (given.out / "table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
