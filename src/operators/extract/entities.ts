import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2';

/** Text with its character references decoded as HTML reads them, by the parser's own decoder. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  let decoded = '';
  const ignore = (): void => {};
  const callbacks: TokenizerCallbacks = {
    ontext: (from, to) => {
      decoded += text.slice(from, to);
    },
    ontextentity: (codePoint) => {
      decoded += String.fromCodePoint(codePoint);
    },
    onattribdata: ignore,
    onattribentity: ignore,
    onattribend: ignore,
    onattribname: ignore,
    oncdata: ignore,
    onclosetag: ignore,
    oncomment: ignore,
    ondeclaration: ignore,
    onend: ignore,
    onopentagend: ignore,
    onopentagname: ignore,
    onprocessinginstruction: ignore,
    onselfclosingtag: ignore,
  };
  const tokenizer = new Tokenizer({ decodeEntities: true }, callbacks);
  tokenizer.write(text);
  tokenizer.end();
  return decoded;
}
