/**
 * Quantities such as `250m`, `64Mi`, `1e3`. Source: Kubernetes API conventions, apimachinery's resource.Quantity.
 */
const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

// Divided by, since 1e-9 is no exact number.
const DIVISORS: Readonly<Record<string, number>> = { n: 1e9, u: 1e6, m: 1e3 };

/** The number that a quantity stands for: cores, bytes, counts. Undefined for what is none. */
export function parseQuantity(text: string | undefined): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text ?? '');
  if (!match) return undefined;
  const [, number, suffix = ''] = match;
  const divisor = DIVISORS[suffix];
  if (divisor !== undefined) return Number(number) / divisor;
  const factor = FACTORS[suffix];
  return factor === undefined ? undefined : Number(number) * factor;
}
