import type { Registry } from 'prom-client';
import { type Config, DEFAULT_PORT } from '../config/schema.ts';
import type { Health, HttpServer } from '../metrics/http.ts';

/** Metrics and health, on `port` where it was asked for, else on the configured one; on a free one where nobody chose the port and it is taken. */
export async function serveMetrics(
  { host, port: configured }: Config['http'],
  port: number | undefined,
  registry: Registry,
  health: Health,
): Promise<HttpServer> {
  const { httpRoutes, startHttp } = await import('../metrics/http.ts');
  return startHttp(
    httpRoutes(registry, health),
    host,
    port ?? configured,
    port === undefined && configured === DEFAULT_PORT,
  );
}
