#!/usr/bin/env python3
"""gen.py FOLDER [--titanic N] [--criteo N] [--dense N]: three synthetic tables as CSV, the same bytes every time.

titanic  11 short columns: numbers, quoted names with commas and "" in them, gaps; labels from a known logistic model
criteo   40 columns: a label, 13 counts with gaps, 26 hashes of 8 hexadecimal digits with long-tailed frequencies
dense    257 columns: 256 floats of 6 digits and a label
Needs numpy only. titanic.json tells the best accuracy and log-loss that any model can reach on titanic.csv.
"""
import argparse
import json
import math
import os

import numpy as np

LAST = (
    "Smith|Johnson|Williams|Braund|Cumings|Heikkinen|Futrelle|Allen|Moran|McCarthy|Palsson|Nasser|Sandstrom|Bonnell|"
    "Saundercock|Andersson|Vestrom|Hewlett|Rice|Masselmani|Fynney|Beesley|McGowan|Sloper|Asplund|Emir|Fortune|O'Dwyer|"
    "Todoroff|Uruchurtu|Spencer|Glynn|Wheadon|Meyer|Holverson|Mamee|Cann|Vander|Planke|Nicola-Yarred|Ahlin|Turpin|Kraft|"
    "Laroche|Devaney|Rogers|Lennon|Samaan|Arnold-Franchi|Panula|Nosworthy|Harper|Faunthorpe|Ostby|Woolner|Rugg|Novel|"
    "West|Goodwin|Sirayanian|Icard|Skoog|Stewart|Moubarek|Nye|Crease|Brostrom|Kink|Jenkin"
).split('|')
MEN = (
    'Owen William James Timothy Gosta Anders Eugene Lawrence Joseph Patrick Charles Edward John Thomas Henry Albert '
    'Ernst Johan Karl Nils Oskar Victor Samuel George Arthur Frank'
).split()
WOMEN = (
    'Laina Lily Elisabeth Marguerite Hulda Anna Florence Jacques Kate Margaret Augusta Ellen Mary Bertha Ida Sigrid '
    'Alice Emma Clara Helen'
).split()
TICKET_PREFIXES = ['', 'A/5 ', 'PC ', 'STON/O2. ', 'C.A. ']


def open_csv(folder, name):
    return open(os.path.join(folder, name), 'w', newline='', buffering=1 << 20)


def titanic(folder, n):
    # The order of the draws fixes the bytes: keep it.
    r = np.random.Generator(np.random.PCG64(20240601))
    pclass = r.choice([1, 2, 3], n, p=[0.24, 0.21, 0.55])
    female = r.random(n) < 0.35
    age = np.clip(r.gamma(5.0, 6.0, n), 0.5, 80)
    age = np.where(age < 1, np.round(age, 2), np.round(age * 2) / 2)
    age_missing = r.random(n) < 0.2
    siblings = np.minimum(r.poisson(0.5, n), 8)
    parents = np.minimum(r.poisson(0.4, n), 6)
    fare = np.round(np.exp(r.normal(0, 0.5, n)) * np.array([0, 60.0, 18.0, 9.0])[pclass], 4)
    port = r.choice(3, n, p=[0.72, 0.19, 0.09])
    port_missing = r.random(n) < 0.002
    has_cabin = r.random(n) < np.array([0, 0.75, 0.1, 0.03])[pclass]
    logit = (
        0.15 + 2.5 * (female - 0.35) - 1.0 * (pclass - 2.3) - np.where(age_missing, 0.3, 0.04 * (age - 30))
        - 0.35 * siblings - 0.1 * parents + 0.3 * (np.log1p(fare) - 3) + 0.4 * ((port == 1) & ~port_missing)
        + 0.6 * (female & (pclass == 1))
    )  # fmt: skip
    p = 1 / (1 + np.exp(-logit))
    survived = (r.random(n) < p).astype(int)
    last = r.integers(0, len(LAST), n)
    first = r.integers(0, 1 << 30, n)
    second = r.integers(0, 1 << 30, n)
    nick = r.random(n)
    ticket = r.integers(2000, 400000, n)
    prefix = r.random(n)
    cabin = r.integers(1, 130, n)
    columns = (
        pclass, last, female, age, age_missing, siblings, parents, fare, port, port_missing, has_cabin, survived, first,
        second, nick, ticket, prefix, cabin,
    )  # fmt: skip
    with open_csv(folder, 'titanic.csv') as f:
        f.write('Pclass,Name,Sex,Age,SibSp,Parch,Ticket,Fare,Cabin,Embarked,Survived\n')
        for pc, la, fe, ag, am, si, pa, fa, po, pm, hc, su, fi, se, ni, ti, pr, ca in zip(*(c.tolist() for c in columns)):
            names = WOMEN if fe else MEN
            title = 'Mrs.' if fe and fi & 1 else 'Miss.' if fe else 'Mr.'
            name = f'{LAST[la % len(LAST)]}, {title} {names[fi % len(names)]} {names[se % len(names)]}'
            if ni < 0.06:
                name += f' (""{MEN[se % len(MEN)]}"")'
            f.write(
                f'{pc},"{name}",{"female" if fe else "male"},{"" if am else format(ag, "g")},{si},{pa},'
                f'{TICKET_PREFIXES[int(pr * 12)] if pr * 12 < 5 else ""}{ti},{fa:g},'
                f'{"ABCDEFG"[ca % 7] + str(ca) if hc else ""},{"" if pm else "SCQ"[po]},{su}\n'
            )
    log_loss = -(survived * np.log(p) + (1 - survived) * np.log(1 - p)).mean()
    best = {
        'rows': n,
        'accuracy': float(np.maximum(p, 1 - p).mean()),
        'accuracy on these rows': float(((p > 0.5) == survived).mean()),
        'log-loss on these rows': float(log_loss),
    }
    with open(os.path.join(folder, 'titanic.json'), 'w') as f:
        json.dump(best, f, indent=1)


COUNT_GAPS = [0.45, 0, 0.2, 0.2, 0.03, 0.22, 0.04, 0, 0.04, 0.45, 0.04, 0.7, 0.2]
CARDINALITIES = [
    1400, 550, 500000, 400000, 300, 20, 11000, 600, 3, 40000, 5000, 500000, 3000, 26, 11000, 500000, 10, 4500, 2000, 3,
    500000, 17, 15, 60000, 100, 40000,
]  # fmt: skip


def criteo(folder, n):
    r = np.random.Generator(np.random.PCG64(7))
    columns = [(r.random(n) < 0.256).astype(int).tolist()]
    for k, gap in enumerate(COUNT_GAPS):
        counts = np.minimum(np.floor(np.exp(r.normal(1.0 + 0.4 * (k % 5), 1.3, n))) - 1, 60000).astype(np.int64)
        missing = r.random(n) < gap
        columns.append(['' if m else str(c) for c, m in zip(counts.tolist(), missing.tolist())])
    for k, cardinality in enumerate(CARDINALITIES):
        rank = np.minimum((cardinality ** r.random(n)).astype(np.int64), cardinality)
        hashes = (rank.astype(np.uint64) * np.uint64(2654435761) + np.uint64(k * 97531)) & np.uint64(0xFFFFFFFF)
        columns.append(['%08x' % h for h in hashes.tolist()])
    with open_csv(folder, 'criteo.csv') as f:
        f.write('label,' + ','.join(f'I{k}' for k in range(1, 14)) + ',' + ','.join(f'C{k}' for k in range(1, 27)) + '\n')
        for row in zip(*columns):
            f.write(str(row[0]) + ',' + ','.join(row[1:]) + '\n')


def dense(folder, n, width=256):
    r = np.random.Generator(np.random.PCG64(11))
    weights = r.normal(size=width) / math.sqrt(width)
    line = ','.join(['%.6g'] * width)
    with open_csv(folder, 'dense.csv') as f:
        f.write(','.join(f'f{i}' for i in range(width)) + ',label\n')
        for start in range(0, n, 10000):
            x = r.normal(size=(min(10000, n - start), width))
            label = (r.random(len(x)) < 1 / (1 + np.exp(-3 * x @ weights))).astype(int)
            for row, y in zip(x.tolist(), label.tolist()):
                f.write(line % tuple(row) + f',{y}\n')


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('folder')
    for shape in (titanic, criteo, dense):
        parser.add_argument(f'--{shape.__name__}', type=int, default=0, help='rows')
    options = vars(parser.parse_args())
    os.makedirs(options['folder'], exist_ok=True)
    for shape in (titanic, criteo, dense):
        if options[shape.__name__]:
            shape(options['folder'], options[shape.__name__])
