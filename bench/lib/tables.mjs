// The three tables of bench/data/gen.py: their columns, and how many rows are made.
export const SHAPES = ['titanic', 'criteo', 'dense'];

/** Rows of the whole table, and of the shorter one that is enough for the slow peers to reach their steady rate. */
export const ROWS = {
  /** So long that what happens once, such as starting threads, is no part of the figure. */
  large: { titanic: [10_000_000, 100_000], criteo: [5_000_000, 50_000], dense: [500_000, 5_000] },
  full: { titanic: [1_000_000, 100_000], criteo: [500_000, 50_000], dense: [50_000, 5_000] },
  quick: { titanic: [50_000, 10_000], criteo: [20_000, 4_000], dense: [4_000, 1_000] },
};

const TITANIC = 'Pclass Name Sex Age SibSp Parch Ticket Fare Cabin Embarked Survived'.split(' ');
const TITANIC_KINDS = {
  Name: 'str',
  Sex: 'str',
  Age: 'float',
  Ticket: 'str',
  Fare: 'float',
  Cabin: 'str',
  Embarked: 'str',
};
const numbered = (prefix, first, count, type) =>
  Array.from({ length: count }, (_, i) => [`${prefix}${first + i}`, type]);

/** [[name, 'int' | 'float' | 'str'], ...] */
export function columnsOf(shape) {
  if (shape === 'titanic') return TITANIC.map((name) => [name, TITANIC_KINDS[name] ?? 'int']);
  if (shape === 'criteo') return [['label', 'int'], ...numbered('I', 1, 13, 'int'), ...numbered('C', 1, 26, 'str')];
  if (shape === 'dense') return [...numbered('f', 0, 256, 'float'), ['label', 'int']];
  throw new Error(`unknown table ${shape}`);
}

/** The table's columns as a tf2-onspark model spec; missing cells get 0 or '', as the peers do. */
export function modelSpecOf(shape) {
  const label = shape === 'titanic' ? 'Survived' : 'label';
  const spec = { inputs: {}, outputs: {} };
  for (const [name, type] of columnsOf(shape)) {
    spec[name === label ? 'outputs' : 'inputs'][name] = { type, default: type === 'str' ? '' : 0 };
  }
  return spec;
}
