"""allreduce.py RANKS SIZES: torch.distributed's gloo, RANKS processes on this host; prints what bench/ours/allreduce.mjs does."""

import json
import multiprocessing
import os
import socket
import sys
import time


def work(rank, ranks, port, sizes, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=ranks)
    times = {}
    for size in sizes:
        array = torch.ones(size // 4)
        repeats = 300 if size <= 1 << 16 else 60 if size <= 1 << 20 else 12
        times[size] = []
        for i in range(-3, repeats):
            array.fill_(1)
            dist.barrier()
            start = time.perf_counter()
            dist.all_reduce(array)
            if i >= 0:
                times[size].append(1e3 * (time.perf_counter() - start))
        assert bool((array == ranks).all())
    if rank == 0:
        results.put({"times": times, "torch": torch.__version__})
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    ranks, sizes = int(sys.argv[1]), [int(size) for size in sys.argv[2].split(",")]
    multiprocessing.set_start_method("spawn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    results = multiprocessing.Queue()
    arguments = [(rank, ranks, port, sizes, results) for rank in range(ranks)]
    processes = [multiprocessing.Process(target=work, args=each) for each in arguments]
    for process in processes:
        process.start()
    print(json.dumps(results.get()))
    for process in processes:
        process.join()
