/** Rows of a sparse matrix: entries of row i are at [start[i], start[i + 1]). */
export interface SparseRows {
  readonly rows: number;
  readonly columns: number;
  readonly start: Int32Array;
  readonly index: Int32Array;
  readonly value: Float32Array;
}

export interface LogisticProblem {
  readonly x: SparseRows;
  /** Target probability of each row, or a negative number for a row that is left out. */
  readonly target: Float32Array;
  readonly weight: Float32Array;
  /** Inverse strength of the L2 penalty: ½‖w‖² + strength · Σ weight · loss. */
  readonly strength: number;
  readonly iterations: number;
}

const HISTORY = 8;

/** Weights with the intercept as the last one. Deterministic: L-BFGS from zero with backtracking (Nocedal and Wright 2006, algorithm 7.5). */
export function fitLogistic(problem: LogisticProblem): Float64Array {
  const size = problem.x.columns + 1;
  const w = new Float64Array(size);
  const gradient = new Float64Array(size);
  let loss = lossAndGradient(problem, w, gradient);
  const steps: Float64Array[] = [];
  const changes: Float64Array[] = [];
  const direction = new Float64Array(size);
  const next = new Float64Array(size);
  const nextGradient = new Float64Array(size);

  for (let iteration = 0; iteration < problem.iterations; iteration++) {
    descend(gradient, steps, changes, direction);
    const slope = dot(gradient, direction);
    let scale = iteration === 0 ? 1 / Math.sqrt(dot(gradient, gradient)) : 1;
    let nextLoss = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 20; tries++, scale /= 2) {
      for (let i = 0; i < size; i++) next[i] = w[i]! + scale * direction[i]!;
      nextLoss = lossAndGradient(problem, next, nextGradient);
      if (nextLoss <= loss + 1e-4 * scale * slope) break;
    }
    if (!(nextLoss < loss)) break;
    const step = new Float64Array(size);
    const change = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      step[i] = next[i]! - w[i]!;
      change[i] = nextGradient[i]! - gradient[i]!;
    }
    if (dot(step, change) > 1e-12) {
      steps.push(step);
      changes.push(change);
      if (steps.length > HISTORY) {
        steps.shift();
        changes.shift();
      }
    }
    w.set(next);
    gradient.set(nextGradient);
    const done = loss - nextLoss < 1e-5 * loss;
    loss = nextLoss;
    if (done) break;
  }
  return w;
}

/** Two-loop recursion: direction = −H · gradient. */
function descend(
  gradient: Float64Array,
  steps: readonly Float64Array[],
  changes: readonly Float64Array[],
  direction: Float64Array,
): void {
  for (let i = 0; i < gradient.length; i++) direction[i] = -gradient[i]!;
  const alphas: number[] = [];
  for (let k = steps.length - 1; k >= 0; k--) {
    const alpha = dot(steps[k]!, direction) / dot(steps[k]!, changes[k]!);
    alphas[k] = alpha;
    addScaled(direction, changes[k]!, -alpha);
  }
  const last = steps.length - 1;
  if (last >= 0) {
    const gamma = dot(steps[last]!, changes[last]!) / dot(changes[last]!, changes[last]!);
    for (let i = 0; i < direction.length; i++) direction[i]! *= gamma;
  }
  for (let k = 0; k < steps.length; k++) {
    const beta = dot(changes[k]!, direction) / dot(steps[k]!, changes[k]!);
    addScaled(direction, steps[k]!, alphas[k]! - beta);
  }
}

function lossAndGradient(
  { x, target, weight, strength }: LogisticProblem,
  w: Float64Array,
  gradient: Float64Array,
): number {
  const { rows, columns, start, index, value } = x;
  let loss = 0;
  // The intercept is not penalised.
  for (let i = 0; i < columns; i++) {
    gradient[i] = w[i]!;
    loss += w[i]! * w[i]!;
  }
  loss /= 2;
  gradient[columns] = 0;
  for (let r = 0; r < rows; r++) {
    const t = target[r]!;
    if (t < 0) continue;
    const end = start[r + 1]!;
    let z = w[columns]!;
    for (let k = start[r]!; k < end; k++) z += w[index[k]!]! * value[k]!;
    const c = strength * weight[r]!;
    // log(1 + e^z) − t·z, without overflow.
    loss += c * (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - t * z);
    const d = c * (1 / (1 + Math.exp(-z)) - t);
    for (let k = start[r]!; k < end; k++) gradient[index[k]!]! += d * value[k]!;
    gradient[columns] += d;
  }
  return loss;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(a: Float64Array, b: Float64Array, scale: number): void {
  for (let i = 0; i < a.length; i++) a[i]! += scale * b[i]!;
}
