import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { Registry, type RegistryContentType } from 'prom-client';
import { ConfigError } from '../errors.ts';

export interface Health {
  /** Ready to take records. */
  readonly ready: () => boolean;
  /** What stands although it should move, for people: a restart may help. */
  readonly stands?: () => string | undefined;
  /** Plain text of the status page. */
  readonly status: () => string;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** The routes, without a socket: `/metrics` (Prometheus, or OpenMetrics when asked for), `/livez`, `/readyz`, `/`. */
export function httpRoutes(registry: Registry, health: Health): Hono {
  const app = new Hono();
  app.get('/livez', (c) => {
    const why = health.stands?.();
    return why === undefined ? c.text('ok\n') : c.text(`${why}\n`, 503);
  });
  app.get('/readyz', (c) => {
    const isReady = health.ready() && health.stands?.() === undefined;
    return isReady ? c.text('ready\n') : c.text('not ready\n', 503);
  });
  app.get('/', (c) => c.text(health.status()));
  app.get('/metrics', async (c) => {
    const open = c.req.header('accept')?.includes('application/openmetrics-text') ?? false;
    const type = open ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
    return c.body(await render(registry, type), 200, { 'content-type': type });
  });
  return app;
}

/**
 * For OpenMetrics the registry takes `_total` off the names of its counters, for good: the next reader of the Prometheus form would miss
 * it. So it gets objects of its own to rename, which inherit everything else.
 */
function render(registry: Registry, type: RegistryContentType): Promise<string> {
  const view = new Registry<RegistryContentType>();
  view.setContentType(type);
  for (const metric of registry.getMetricsAsArray())
    view.registerMetric(Object.create(metric) as Parameters<Registry['registerMetric']>[0]);
  return view.metrics();
}

/** Listens; when a default port is taken, on a free one instead. @throws ConfigError `port` when the port was asked for and is taken. */
export async function startHttp(app: Hono, host: string, port: number, fallback: boolean): Promise<HttpServer> {
  try {
    return await listen(app, host, port);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE' && fallback) return listen(app, host, 0);
    throw new ConfigError(
      'port',
      `http.port ${port} on ${host}; it cannot be listened on (${code ?? 'error'}); choose another with --port, or --no-http`,
      { cause },
    );
  }
}

function listen(app: Hono, host: string, port: number): Promise<HttpServer> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, (info) => {
      resolve({
        port: info.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
    server.on('error', reject);
  });
}
