// Escapes in the strings of JSON.

const BACKSLASH: u32 = 0x5c;
/** `\u`, little-endian. */
const UNICODE_ESCAPE: u32 = 0x755c;

/** What the letter behind a backslash stands for; 0 for none. */
export function unescaped(letter: u32): u32 {
  switch (letter) {
    case 0x22: // "
    case 0x2f: // /
    case 0x5c:
      return letter;
    case 0x62:
      return 8;
    case 0x66:
      return 12;
    case 0x6e:
      return 10;
    case 0x72:
      return 13;
    case 0x74:
      return 9;
    default:
      return 0;
  }
}

/** Value of four hexadecimal digits, or a negative number. */
export function hex4(at: usize): i32 {
  return (hex(load<u8>(at)) << 12) | (hex(load<u8>(at, 1)) << 8) | (hex(load<u8>(at, 2)) << 4) | hex(load<u8>(at, 3));
}

function hex(digit: i32): i32 {
  if (digit >= 0x30 && digit <= 0x39) return digit - 0x30;
  const letter = digit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Writes the string `[at, end)` to `to` without its escapes; returns its bytes, or -1 where half a surrogate pair stands alone. */
export function unescape(at: usize, end: usize, to: usize): i32 {
  let out = to;
  while (at < end) {
    const bytes = v128.load(at);
    v128.store(out, bytes);
    const slashes = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(<i8>BACKSLASH)));
    const plain: usize = slashes ? <usize>ctz(slashes) : 16;
    if (at + plain >= end) return <i32>(out + (end - at) - to);
    at += plain;
    out += plain;
    if (!slashes) continue;
    const letter = <u32>load<u8>(at, 1);
    if (letter != 0x75) {
      store<u8>(out++, <u8>unescaped(letter));
      at += 2;
      continue;
    }
    let codePoint = <u32>hex4(at + 2);
    at += 6;
    if ((codePoint & 0xf800) == 0xd800) {
      if (codePoint >= 0xdc00 || load<u16>(at) != UNICODE_ESCAPE) return -1;
      const low = hex4(at + 2);
      if ((low & ~0x3ff) != 0xdc00) return -1;
      codePoint = 0x10000 + ((codePoint & 0x3ff) << 10) + (<u32>low & 0x3ff);
      at += 6;
    }
    out = writeUtf8(codePoint, out);
  }
  return <i32>(out - to);
}

function writeUtf8(codePoint: u32, out: usize): usize {
  if (codePoint < 0x80) {
    store<u8>(out, <u8>codePoint);
    return out + 1;
  }
  if (codePoint < 0x800) {
    store<u8>(out, <u8>(0xc0 | (codePoint >> 6)));
    store<u8>(out, <u8>(0x80 | (codePoint & 0x3f)), 1);
    return out + 2;
  }
  if (codePoint < 0x10000) {
    store<u8>(out, <u8>(0xe0 | (codePoint >> 12)));
    store<u8>(out, <u8>(0x80 | ((codePoint >> 6) & 0x3f)), 1);
    store<u8>(out, <u8>(0x80 | (codePoint & 0x3f)), 2);
    return out + 3;
  }
  store<u8>(out, <u8>(0xf0 | (codePoint >> 18)));
  store<u8>(out, <u8>(0x80 | ((codePoint >> 12) & 0x3f)), 1);
  store<u8>(out, <u8>(0x80 | ((codePoint >> 6) & 0x3f)), 2);
  store<u8>(out, <u8>(0x80 | (codePoint & 0x3f)), 3);
  return out + 4;
}
