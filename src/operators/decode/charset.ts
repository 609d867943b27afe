import { isUtf8 } from 'node:buffer';

/** How many bytes are searched for a `<meta>` charset; the HTML standard asks for 1,024, real pages put it later. */
const metaBytes = 4096;

/**
 * Text of a page or file. Order: byte order mark; the declared charset (HTTP header, then `<meta>`), where UTF-8 must be strictly valid;
 * strict UTF-8; windows-1252, in which every byte is a character. Declared `iso-8859-1` means windows-1252, as in browsers (WHATWG Encoding, 4.2).
 */
export function decodeText(bytes: Uint8Array, declared?: string, isHtml = false): string {
  const marked = byteOrderMark(bytes);
  if (marked !== undefined) return new TextDecoder(marked).decode(bytes);
  const named = declared ?? (isHtml ? metaCharset(bytes) : undefined);
  const decoder = named === undefined ? undefined : decoderFor(named);
  if (decoder && decoder.encoding !== 'utf-8') return decoder.decode(bytes);
  // A page that says UTF-8 and is not: its bytes are those of an older charset more often than broken UTF-8.
  return new TextDecoder(isUtf8(bytes) || mostlyUtf8(bytes) ? 'utf-8' : 'windows-1252').decode(bytes);
}

function byteOrderMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

function decoderFor(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label.trim().replace(/^["']|["']$/g, ''));
  } catch {
    return undefined; // a name that nobody knows says nothing
  }
}

function metaCharset(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(metaBytes, bytes.byteLength)).toString('latin1');
  const name = /<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,40})/i.exec(head)?.[1];
  // A page that could be read as ASCII this far is not in UTF-16, whatever it says (HTML standard, 13.2.3.2).
  return name !== undefined && /^utf-?16/i.test(name) ? 'utf-8' : name;
}

/** At most one broken sequence in a thousand bytes, and more good ones than broken: cut or joined UTF-8, not another charset. */
function mostlyUtf8(bytes: Uint8Array): boolean {
  let good = 0;
  let broken = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte < 0x80) continue;
    const length = byte >= 0xf0 && byte < 0xf5 ? 3 : byte >= 0xe0 ? (byte < 0xf0 ? 2 : 0) : byte >= 0xc2 ? 1 : 0;
    let follow = 0;
    while (follow < length && (bytes[i + 1 + follow]! & 0xc0) === 0x80) follow++;
    if (length > 0 && follow === length) good++;
    else broken++;
    i += follow;
  }
  return good > broken * 4 && broken * 1000 <= bytes.length;
}
