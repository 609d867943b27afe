/** What an error of the registry's client means for the stream. */
import { RiffleError, TransientError } from '../errors.ts';

/** HTTP status of an answer that was an error; undefined where there was no answer, or it is another kind of error. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}

/** Answers that are about the question; all others (and none at all) say that the registry cannot be asked now. */
export const isAboutSchema = (error: unknown): boolean => [404, 409, 422].includes(statusOf(error) ?? 0);

/** An error that came from asking, not from what was asked about: axios marks its own, the registry's client its answers. */
export function isFromRegistry(error: unknown): boolean {
  if (error instanceof RiffleError) return false;
  if (statusOf(error) !== undefined) return true;
  return typeof error === 'object' && error !== null && 'isAxiosError' in error;
}

/** The stream waits and asks again. The error itself is not kept as a cause: it holds the request with its credentials. */
export function unavailable(url: string, error: unknown): TransientError {
  const status = statusOf(error);
  const { code, message } = error as { code?: string; message: string };
  const actual = status === undefined ? `no answer (${code ?? message})` : `status ${status}`;
  const remedy =
    status === 401 || status === 403
      ? 'check registry.username and registry.passwordFile, or registry.tokenFile'
      : 'start it again, or check registry.url; reading goes on by itself';
  return new TransientError('registry-unavailable', `schema registry ${url}; ${actual}; ${remedy}`);
}
