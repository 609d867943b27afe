/** What a person sees while a run goes on: one redrawn line on a terminal, a JSON line every few seconds without one. */
import { styleText } from 'node:util';
import { emptyTotals, addTotals, decidedRecords, sumCounts, type Totals } from '../stages/observation.ts';

export interface Progress {
  committed(totals: Totals): void;
  sifted(records: number, bytes: number): void;
  note(text: string): void;
  /** What should not be, and was dealt with. */
  warn(text: string): void;
  /** Plain numbers for the status page. */
  readonly status: () => string;
  stop(): void;
}

export interface ProgressOptions {
  readonly topology: string;
  readonly totalBytes: number;
  readonly interactive: boolean;
  readonly level: string;
}

const REDRAW_MS = 200;
const LOG_MS = 5000;

export function createProgress({ topology, totalBytes, interactive, level }: ProgressOptions): Progress {
  const totals = emptyTotals();
  const started = performance.now();
  const quiet = level === 'warn' || level === 'error';
  let siftedRecords = 0;
  let siftedBytes = 0;
  let stopped = false;

  function figures() {
    const seconds = (performance.now() - started) / 1000;
    const records = decidedRecords(totals);
    const kept = sumCounts(totals.decided.curated);
    const share = totalBytes > 0 ? Math.min(1, siftedBytes / totalBytes) : 1;
    return {
      records,
      perSecond: Math.round(records / Math.max(seconds, 0.001)),
      keptRatio: records === 0 ? 0 : kept / records,
      backlog: Math.max(0, siftedRecords - records),
      secondsLeft: share > 0.02 && share < 1 ? Math.ceil((seconds / share) * (1 - share)) : undefined,
    };
  }

  function draw(): void {
    const { records, perSecond, keptRatio, backlog, secondsLeft } = figures();
    const left = secondsLeft === undefined ? '' : ` · about ${secondsLeft} s left`;
    const line = `${records.toLocaleString('en-US')} records · ${perSecond.toLocaleString('en-US')}/s · ${(100 * keptRatio).toFixed(1)} % kept · ${backlog.toLocaleString('en-US')} under way${left}`;
    process.stderr.write(`\r\u001b[K${styleText('cyan', topology)} ${line}`);
  }

  function log(message: string, extra: object): void {
    if (!quiet) write('info', message, extra);
  }

  function write(severity: string, message: string, extra: object): void {
    const line = { time: new Date().toISOString(), level: severity, message, ...extra };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  }

  const timer = setInterval(
    () => (interactive ? draw() : log('progress', { topology, ...figures() })),
    interactive ? REDRAW_MS : LOG_MS,
  );
  timer.unref();
  return {
    committed: (more) => addTotals(totals, more),
    sifted(records, bytes) {
      siftedRecords += records;
      siftedBytes += bytes;
    },
    note(text) {
      if (interactive) process.stderr.write(`\r\u001b[K${styleText('dim', text)}\n`);
      else log(text, { topology });
    },
    warn(text) {
      if (interactive) process.stderr.write(`\r\u001b[K${styleText('yellow', text)}\n`);
      else if (level !== 'error') write('warn', text, { topology });
    },
    status() {
      const { records, perSecond, keptRatio, backlog } = figures();
      return `riffle ${topology}\nrecords ${records}\nrecords per second ${perSecond}\nkept ${(100 * keptRatio).toFixed(1)} %\nunder way ${backlog}\n\n/metrics /livez /readyz\n`;
    },
    stop() {
      if (stopped) return;
      stopped = true;
      clearInterval(timer);
      if (interactive) process.stderr.write('\r\u001b[K');
    },
  };
}
