"""Tokens per second of the runner, of a plain loop over transformers' OLMo, and of transformers' Trainer.

One model (width 64, 2 layers, vocabulary 256, context 64, 16 rows a step), one machine, one run:

    python benchmarks/throughput.py

Each contestant is a fresh process (two at once for the runner's way: one process a core, one thread each) that
makes 20 steps to warm up and then 400 that count; its speed is the median of five windows of 80 steps, so that a
passing disturbance does not decide. Ours run in the environment that the runner gives its workers. Takes under two minutes on two cores.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

WIDTH, LAYERS, HEADS, MLP, VOCAB, CONTEXT, ROWS = 64, 2, 4, 176, 256, 64, 16
WARMUP, WINDOW, WINDOWS = 20, 80, 5
STEPS = WARMUP + WINDOW * WINDOWS
RATE = 1e-3


def rows(step: int):
    """Token ids ``[rows, context]``, drawn for each step as a corpus would give them."""
    import numpy as np

    return np.random.default_rng(step).integers(0, VOCAB, (ROWS, CONTEXT), dtype=np.int64)


def ours(tick: Callable[[], None]) -> int:
    """The book's loop, as the runner calls it."""
    import numpy as np

    from ovbook.models import ModelSpec, init, parameter_count
    from ovbook.train import train

    spec = ModelSpec(vocab=VOCAB, width=WIDTH, layers=LAYERS, heads=HEADS, mlp=MLP, context=CONTEXT)
    train(
        init(spec, [0]),
        spec,
        lambda step: rows(step)[None],
        steps=STEPS,
        rates=np.full(STEPS, RATE),
        progress=lambda *_: tick(),
    )
    return parameter_count(spec)


def hf_model():
    """The same model in transformers."""
    from transformers import OlmoConfig, OlmoForCausalLM

    return OlmoForCausalLM(
        OlmoConfig(
            vocab_size=VOCAB,
            hidden_size=WIDTH,
            intermediate_size=MLP,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            max_position_embeddings=CONTEXT,
            pad_token_id=0,
            eos_token_id=1,
        )
    )


def plain_loop(tick: Callable[[], None]) -> int:
    """A careful hand-written loop over transformers' model: fused AdamW, clipping, no logging."""
    import torch

    model = hf_model()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    for step in range(STEPS):
        tokens = torch.from_numpy(rows(step))
        model(input_ids=tokens, labels=tokens).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tick()
    return sum(p.numel() for p in model.parameters())


def trainer(tick: Callable[[], None]) -> int:
    """transformers' Trainer with its own defaults, nothing saved, evaluated or reported."""
    import tempfile

    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Rows(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return STEPS * ROWS

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            return {"input_ids": table[index], "labels": table[index]}

    class Ticks(TrainerCallback):
        def on_step_end(self, *_: object, **__: object) -> None:
            tick()

    table = torch.cat([torch.from_numpy(rows(step)) for step in range(STEPS)])
    model = hf_model()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=STEPS,
            per_device_train_batch_size=ROWS,
            learning_rate=RATE,
            weight_decay=0.1,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            dataloader_pin_memory=False,
        )
        Trainer(model=model, args=arguments, train_dataset=Rows(), callbacks=[Ticks()]).train()
    return sum(p.numel() for p in model.parameters())


CONTESTANTS: list[tuple[str, Callable[[Callable[[], None]], int], int, int]] = [
    ("ours, 2 processes x 1 thread (the runner's way)", ours, 2, 1),
    ("ours, 1 process x 1 thread", ours, 1, 1),
    ("plain loop over transformers' OLMo, 2 threads", plain_loop, 1, 2),
    ("plain loop over transformers' OLMo, 1 thread", plain_loop, 1, 1),
    ("transformers Trainer, 2 threads", trainer, 1, 2),
    ("transformers Trainer, 1 thread", trainer, 1, 1),
]
AS_STARTED = dict(os.environ)
REFERENCE = "transformers Trainer, 2 threads"


def work(contestant: int, start, answers) -> None:
    """One process: import, wait for the others, run, report its speed."""
    import torch

    _, function, _, threads = CONTESTANTS[contestant]
    torch.set_num_threads(threads)
    if function is not ours:
        import transformers  # noqa: F401  (imported before the start, so that it does not disturb a neighbour)
    ticks: list[float] = []
    start.wait()
    parameters = function(lambda: ticks.append(time.perf_counter()))
    marks = ticks[WARMUP - 1 :: WINDOW]
    windows = [WINDOW * ROWS * CONTEXT / (b - a) for a, b in itertools.pairwise(marks)]
    answers.put((statistics.median(windows), parameters))


def measure(contestant: int) -> tuple[float, int]:
    """Total tokens per second over a contestant's processes, and the parameters of its model."""
    from ovbook.runs.pool import one_thread_environment

    _, function, processes, threads = CONTESTANTS[contestant]
    # Read when a process's libraries load, which is before it could set them itself.
    os.environ.clear()
    os.environ.update(one_thread_environment("cpu", Path(".ovbook")) if function is ours else AS_STARTED)
    os.environ.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1")
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(processes), context.Queue()
    running = [context.Process(target=work, args=(contestant, start, answers)) for _ in range(processes)]
    for process in running:
        process.start()
    found = [answers.get(timeout=120) for _ in running]
    for process in running:
        process.join()
    return sum(speed for speed, _ in found), found[0][1]


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        with open("/proc/cpuinfo") as info:
            return next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    """Measure everyone and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    as_json = parser.parse_args().json
    import torch
    import transformers

    load = os.getloadavg()[0]
    speeds, parameters = {}, 0
    for index, (name, function, *_) in enumerate(CONTESTANTS):
        if function is trainer and importlib.util.find_spec("accelerate") is None:
            print(
                f"{name}: left out, because Trainer needs accelerate (pip install accelerate)",
                file=sys.stderr,
            )
            continue
        speeds[name], parameters = measure(index)
        print(f"{name}: {speeds[name] / 1e3:.1f}k tokens/s", file=sys.stderr)
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load before": round(load, 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "parameters": parameters,
    }
    if as_json:
        print(json.dumps({"machine": machine, "tokens_per_second": speeds}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    if load > 0.5:
        print("Something else was running: these numbers are worth little.")
    print(f"\n{'':50s} {'tokens/s':>10s} {'x Trainer':>10s}")
    for name, speed in speeds.items():
        ratio = f"{speed / speeds[REFERENCE]:10.2f}" if REFERENCE in speeds else f"{'-':>10s}"
        print(f"{name:50s} {speed:10,.0f} {ratio}")


if __name__ == "__main__":
    main()
