import { readLines, type Role, roleOf } from '../sources.ts';
import { mailBody } from '../toxicity.ts';
import { windowsOf } from '../web.ts';

/** The body of a message. Copies of a body, of which spam has many, are on one side of the split. */
export interface Mail {
  readonly body: string;
  readonly spam: 0 | 1;
  readonly role: Role;
}

const WINDOW_WORDS = 90;
const WINDOWS = 2;

export function mails(directory: string): Mail[] {
  return readLines<{ spam: 0 | 1; raw: string }>(directory, 'mail')
    .map(({ raw, spam }) => ({ body: mailBody(raw), spam }))
    .filter(({ body }) => body !== '')
    .map((mail) => ({ ...mail, role: roleOf(mail.body) }));
}

/** The first pieces of a body, as a window of the encoder holds them. */
export function mailWindows({ body }: Mail): string[] {
  return windowsOf(body, WINDOW_WORDS, WINDOWS);
}
