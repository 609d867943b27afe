/** Figures over scores and 0/1 labels of the same length. */
export interface Scored {
  readonly score: number;
  readonly label: 0 | 1;
}

/** Area under the ROC curve: the chance that a positive is above a negative; ties count half (Mann and Whitney 1947). */
export function auc(rows: readonly Scored[]): number {
  const sorted = rows.toSorted((a, b) => a.score - b.score);
  let positives = 0;
  let rankSum = 0;
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (j < sorted.length && sorted[j]!.score === sorted[i]!.score) j++;
    const rank = (i + j + 1) / 2;
    for (let k = i; k < j; k++) {
      if (sorted[k]!.label === 0) continue;
      positives++;
      rankSum += rank;
    }
    i = j;
  }
  const negatives = rows.length - positives;
  return positives === 0 || negatives === 0
    ? Number.NaN
    : (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Average precision: precision at each threshold, weighted by the recall that it adds. */
export function averagePrecision(rows: readonly Scored[]): number {
  const sorted = rows.toSorted((a, b) => b.score - a.score);
  const total = sorted.filter((r) => r.label === 1).length;
  let hits = 0;
  let sum = 0;
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    let added = 0;
    while (j < sorted.length && sorted[j]!.score === sorted[i]!.score) added += sorted[j++]!.label;
    hits += added;
    sum += (added / total) * (hits / j);
    i = j;
  }
  return sum;
}

/** Harmonic mean of precision and recall of `score >= cut`. */
export function f1(rows: readonly Scored[], cut: number): number {
  let hits = 0;
  let flagged = 0;
  let positives = 0;
  for (const { score, label } of rows) {
    positives += label;
    if (score < cut) continue;
    flagged++;
    hits += label;
  }
  return hits === 0 ? 0 : (2 * hits) / (flagged + positives);
}

/** The greatest F1 of any cut. */
export function bestF1(rows: readonly Scored[]): number {
  const sorted = rows.toSorted((a, b) => b.score - a.score);
  const total = sorted.filter((r) => r.label === 1).length;
  let hits = 0;
  let best = 0;
  for (const [i, { score, label }] of sorted.entries()) {
    hits += label;
    if (sorted[i + 1]?.score !== score) best = Math.max(best, (2 * hits) / (i + 1 + total));
  }
  return best;
}

/** Expected calibration error over ten bins of equal width (Guo et al. 2017, section 2). */
export function calibrationError(rows: readonly Scored[]): number {
  const bins = Array.from({ length: 10 }, () => ({ count: 0, score: 0, label: 0 }));
  for (const { score, label } of rows) {
    const bin = bins[Math.min(9, Math.floor(score * 10))]!;
    bin.count++;
    bin.score += score;
    bin.label += label;
  }
  return bins.reduce((sum, bin) => sum + Math.abs(bin.score - bin.label), 0) / Math.max(1, rows.length);
}

/** The value that `fraction` of the numbers are at or below, by linear interpolation between order statistics. */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  const at = (sorted.length - 1) * fraction;
  const low = Math.floor(at);
  const high = Math.min(sorted.length - 1, low + 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

/** Platt scaling: slope and intercept of the logistic curve through (logit, label), by Newton's method with backtracking (Lin, Lin and Weng 2007). */
export function fitPlatt(
  logits: readonly number[],
  labels: readonly number[],
  weights?: readonly number[],
): { slope: number; intercept: number } {
  const loss = (slope: number, intercept: number): number => {
    let sum = 0;
    for (const [i, x] of logits.entries()) {
      const z = slope * x + intercept;
      sum += (weights?.[i] ?? 1) * (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - labels[i]! * z);
    }
    return sum;
  };
  let slope = 1;
  let intercept = 0;
  let current = loss(slope, intercept);
  for (let step = 0; step < 100; step++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 1e-9, 0, 1e-9];
    for (const [i, x] of logits.entries()) {
      const w = weights?.[i] ?? 1;
      const p = 1 / (1 + Math.exp(-(slope * x + intercept)));
      const d = w * (p - labels[i]!);
      const h = w * p * (1 - p);
      g0 += d * x;
      g1 += d;
      h00 += h * x * x;
      h01 += h * x;
      h11 += h;
    }
    const determinant = h00 * h11 - h01 * h01;
    const slopeStep = (h11 * g0 - h01 * g1) / determinant;
    const interceptStep = (h00 * g1 - h01 * g0) / determinant;
    let scale = 1;
    while (scale > 1e-6 && !(loss(slope - scale * slopeStep, intercept - scale * interceptStep) <= current)) scale /= 2;
    slope -= scale * slopeStep;
    intercept -= scale * interceptStep;
    const next = loss(slope, intercept);
    if (current - next < 1e-10 * current) break;
    current = next;
  }
  return { slope, intercept };
}
