/** What `openRegistry` says to a registry, and makes of its answers; a real one is in test/registry. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { TransientError } from '../errors.ts';
import { type OpenRegistry, openRegistry } from './registry.ts';

/** A registry that answers as the test says; gives its address. */
async function answering(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`;
}

const open = (url: string, more: Partial<OpenRegistry> = {}) =>
  openRegistry({
    url,
    format: 'avro',
    subjects: new Map([['t', 'record']]),
    autoRegister: true,
    timeoutMs: 200,
    ...more,
  });

const isAway = (error: unknown): boolean => error instanceof TransientError && error.code === 'registry-unavailable';

test('one that does not answer in time, or not well, is away', async (t) => {
  await assert.rejects(open(await answering(t, () => undefined)), isAway);
  for (const status of [401, 403, 429, 500, 502, 503]) {
    const url = await answering(t, (_, response) => response.writeHead(status).end('<html>proxy</html>'));
    await assert.rejects(open(url), isAway, `status ${status}`);
  }
  const cut = await answering(t, (_, response) => response.destroy());
  await assert.rejects(open(cut), isAway);
});

test('credentials go with every request, and into no error', async (t) => {
  const seen: (string | undefined)[] = [];
  const url = await answering(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(401).end();
  });
  const refused = async (auth: OpenRegistry['auth'] & object): Promise<string> => {
    const error = await open(url, { auth }).then(
      () => assert.fail('opened'),
      (reason: Error) => reason,
    );
    return `${error.stack}${JSON.stringify(error)}${String(error.cause)}`;
  };
  const basic = await refused({ username: 'me', password: 'hush' });
  const bearer = await refused({ token: 'secret-token' });
  assert.deepEqual(seen, [`Basic ${Buffer.from('me:hush').toString('base64')}`, 'Bearer secret-token']);
  assert.match(basic, /registry\.passwordFile/);
  for (const secret of ['hush', 'secret-token', 'Authorization', Buffer.from('me:hush').toString('base64')])
    assert.ok(!`${basic}${bearer}`.includes(secret), secret);
});
