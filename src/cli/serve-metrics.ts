import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.ts';
import type { Health, HttpServer } from '../metrics/http.ts';

/** Metrics and health, on `port` where it was asked for, else on the configured one or a free one. */
export async function serveMetrics(
  { host, port: configured }: Config['http'],
  port: number | undefined,
  registry: Registry,
  health: Health,
): Promise<HttpServer> {
  const { httpRoutes, startHttp } = await import('../metrics/http.ts');
  return startHttp(httpRoutes(registry, health), host, port ?? configured, port === undefined);
}
