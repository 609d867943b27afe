import { hash } from 'node:crypto';

/**
 * A uniform number in [0, 1) that depends on the policy's seed, a purpose and the identity of a record only: a replay draws the same again.
 * 53 bits of SHA-256, so that neither the order of records nor the number of partitions matters.
 */
export function draw(seed: string, purpose: string, identity: string): number {
  const digest = hash('sha256', `${seed}\u0000${purpose}\u0000${identity}`, 'buffer');
  return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
}
