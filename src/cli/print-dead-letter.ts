import { styleText } from 'node:util';
import { type DeadLetter, identityOfLetter } from './dead-letters.ts';
import { printable } from './printable.ts';
import { wrapped } from './side-by-side.ts';

const TEXT_ROWS = 40;
const DUMP_BYTES = 256;

/** A dead letter for a person: its error, where it lies, and the value as text, or as bytes where it is none. */
export function printDeadLetter(letter: DeadLetter): string {
  const { error, headers, encoding, valueBytes, truncated } = letter;
  const lines = ['', styleText('bold', printable(letter.id))];
  const row = (name: string, value: string) => lines.push(`  ${name.padEnd(14)}${value}`);
  row('position', printable(identityOfLetter(letter)));
  row('error', `${styleText('red', error.code)} in ${error.stage}, ${error.operator}`);
  row('', printable(error.message));
  if (letter.timestamp) row('timestamp', printable(letter.timestamp));
  for (const [name, value] of Object.entries(headers)) row('header', printable(`${name}: ${value}`));
  if (letter.sha256 !== undefined) row('sha256', letter.sha256);
  const kept = encoding === 'base64' ? Buffer.from(letter.value, 'base64').length : Buffer.byteLength(letter.value);
  const cut = truncated ? `, of which the first ${kept} are kept` : '';
  row('value', `${valueBytes} bytes${cut}${encoding === 'base64' ? ', not UTF-8' : ''}`);
  lines.push('', ...valueLines(letter));
  return lines.join('\n');
}

function valueLines({ value, encoding }: DeadLetter): string[] {
  if (encoding === 'base64') return dump(Buffer.from(value, 'base64')).map((line) => `  ${line}`);
  const width = Math.min(120, process.stdout.columns ?? 120) - 2;
  return wrapped(value, width, TEXT_ROWS).map((line) => `  ${line}`);
}

function dump(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, DUMP_BYTES); at += 16) {
    const part = bytes.subarray(at, Math.min(at + 16, DUMP_BYTES));
    const hex = [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = [...part].map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(48)} ${text}`);
  }
  if (bytes.length > DUMP_BYTES) lines.push(styleText('dim', `… ${bytes.length - DUMP_BYTES} more bytes`));
  return lines;
}
