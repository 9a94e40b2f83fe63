"""What the Python peers share: the columns of each table, the clock, the last line of their output."""
import json
import os
import time

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')

PARTS = 4


def columns_of(shape):
    """[(name, 'int' | 'float' | 'str')] of a table."""
    if shape == 'titanic':
        kinds = {'Name': 'str', 'Sex': 'str', 'Age': 'float', 'Ticket': 'str', 'Fare': 'float', 'Cabin': 'str', 'Embarked': 'str'}
        names = 'Pclass Name Sex Age SibSp Parch Ticket Fare Cabin Embarked Survived'.split()
        return [(name, kinds.get(name, 'int')) for name in names]
    if shape == 'criteo':
        return [('label', 'int'), *((f'I{i}', 'int') for i in range(1, 14)), *((f'C{i}', 'str') for i in range(1, 27))]
    if shape == 'dense':
        return [*((f'f{i}', 'float') for i in range(256)), ('label', 'int')]
    raise SystemExit(f'unknown table {shape}')


class Clock:
    """Times from its making; `lap` marks the last useful moment, so that a slow shutdown does not count."""

    def __init__(self):
        self.start = time.perf_counter()
        self.cpu = time.process_time()
        self.end = None

    def lap(self):
        self.end = time.perf_counter()

    def report(self, rows, size):
        now = time.perf_counter()
        print(
            json.dumps(
                {
                    'rows': rows,
                    'bytes': size,
                    'seconds': (self.end or now) - self.start,
                    'secondsWithShutdown': now - self.start,
                    'cpuSeconds': time.process_time() - self.cpu,
                }
            ),
            flush=True,
        )


def size_of(folder):
    return sum(entry.stat().st_size for entry in os.scandir(folder))
