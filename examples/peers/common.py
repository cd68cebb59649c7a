"""What the Python peers share: arguments, seeded data, and the timing loop."""

import argparse
import os
import statistics
import sys
import time

import numpy as np

WARM_UP = 20  # calls before anything is measured
FEWEST = 10  # calls that are measured at least


class Arguments:
    """NAME BATCH THREADS [SECONDS], and which way of running the framework."""

    def __init__(self, modes):
        parser = argparse.ArgumentParser()
        parser.add_argument("name", help="mlp, cnn, lstm, autoencoder, transformer, or NAME_infer")
        parser.add_argument("batch", type=int)
        parser.add_argument("threads", type=int)
        parser.add_argument("seconds", nargs="?", default="3",
                            help="how long to measure; with -, each line of the standard input says how long once more")
        parser.add_argument("--mode", choices=modes, default=modes[0])
        read = parser.parse_args()
        self.name, self.batch, self.threads, self.mode = read.name, read.batch, read.threads, read.mode
        self.seconds = read.seconds
        self.network = self.name.removesuffix("_infer")
        self.infers = self.network != self.name
        os.environ["OMP_NUM_THREADS"] = str(self.threads)

    def data(self):
        """Inputs and targets: numbers on [0, 1), classes below 10, tokens of a vocabulary of 65."""
        rng = np.random.default_rng(0)
        if self.network == "transformer":
            tokens = rng.integers(0, 65, (self.batch, 65))
            return tokens[:, :-1].copy(), tokens[:, 1:].copy()
        shape = {"cnn": (28, 28, 1), "lstm": (10, 10)}.get(self.network, (784,))
        return rng.random((self.batch, *shape), dtype=np.float32), rng.integers(0, 10, self.batch)

    def unknown(self, framework):
        """Ends the program: this framework has no such workload here."""
        print(f"{framework} has no workload `{self.name}` here", file=sys.stderr)
        sys.exit(3)

    def measure(self, framework, call):
        """Times `call`, which does all of a step and leaves nothing pending."""
        start = time.perf_counter()
        for _ in range(WARM_UP):
            call()
        warm_up = time.perf_counter() - start
        if self.seconds != "-":
            self.measure_once(framework, call, float(self.seconds), warm_up)
            return
        print("ready", flush=True)
        for line in sys.stdin:
            self.measure_once(framework, call, float(line), warm_up)

    def measure_once(self, framework, call, seconds, warm_up):
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < FEWEST:
            start = time.perf_counter()
            call()
            times.append((time.perf_counter() - start) * 1e6)
        print(framework, self.name, self.batch, self.threads, f"{statistics.median(times):.1f}", f"{min(times):.1f}",
              f"{peak_memory():.0f}", f"{warm_up:.2f}", sep="\t", flush=True)


def peak_memory():
    """The most memory that the process has held, in MiB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
