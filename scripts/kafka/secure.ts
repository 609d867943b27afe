/** Listeners that demand something of their clients: TLS, and SASL by PLAIN, SCRAM and OAUTHBEARER, with and without TLS. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface SecurePorts {
  readonly tls: number;
  readonly sasl: number;
  readonly saslTls: number;
}

export interface Secure {
  readonly listeners: readonly string[];
  /** Of `listener.security.protocol.map`. */
  readonly protocols: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

/** The one user that the listeners know, by every mechanism. */
export const USER = { name: 'riffle', password: 'pebbles-and-gold' } as const;
const KEYSTORE_PASSWORD = 'changeit';
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule';
const BEARER = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule';

/** Arguments that make the storage know the user's SCRAM credentials. */
export const SCRAM_ARGUMENTS: readonly string[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
  '--add-scram',
  `${mechanism}=[name=${USER.name},password=${USER.password}]`,
]);

/** Makes a self-signed certificate for 127.0.0.1 in `folder`, with the JRE's own tool. @returns the certificate as PEM */
export function makeCertificate(folder: string): string {
  const keystore = path.join(folder, 'broker.p12');
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', KEYSTORE_PASSWORD, '-alias', 'broker'];
  const certificate = path.join(folder, 'broker.pem');
  if (!existsSync(certificate)) {
    const names = ['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1,dns:localhost', '-validity', '3650'];
    execFileSync('keytool', ['-genkeypair', ...store, '-keyalg', 'EC', '-groupname', 'secp256r1', ...names], {
      stdio: 'ignore',
    });
    execFileSync('keytool', ['-exportcert', ...store, '-rfc', '-file', certificate], { stdio: 'ignore' });
  }
  return readFileSync(certificate, 'utf8');
}

export function secureListeners(folder: string, ports: SecurePorts): Secure {
  const listener = (name: string, port: number): string => `${name}://127.0.0.1:${port}`;
  const properties: Record<string, string> = {
    'ssl.keystore.location': path.join(folder, 'broker.p12'),
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': KEYSTORE_PASSWORD,
    'ssl.key.password': KEYSTORE_PASSWORD,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  };
  for (const name of ['sasl', 'sasltls']) {
    properties[`listener.name.${name}.plain.sasl.jaas.config`] =
      `${PLAIN} required user_${USER.name}="${USER.password}";`;
    properties[`listener.name.${name}.scram-sha-256.sasl.jaas.config`] = `${SCRAM} required;`;
    properties[`listener.name.${name}.scram-sha-512.sasl.jaas.config`] = `${SCRAM} required;`;
    properties[`listener.name.${name}.oauthbearer.sasl.jaas.config`] =
      `${BEARER} required unsecuredLoginStringClaim_sub="broker";`;
  }
  return {
    listeners: [listener('TLS', ports.tls), listener('SASL', ports.sasl), listener('SASLTLS', ports.saslTls)],
    protocols: ['TLS:SSL', 'SASL:SASL_PLAINTEXT', 'SASLTLS:SASL_SSL'],
    properties,
  };
}

/** A token that the broker's validator for unsecured tokens accepts. */
export function unsecuredToken(subject: string, seconds: number, nowMs: number = Date.now()): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const issued = Math.floor(nowMs / 1000);
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: issued, exp: issued + seconds })}.`;
}
