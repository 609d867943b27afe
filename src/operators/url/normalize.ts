import { parse } from 'tldts';

export interface NormalizedUrl {
  readonly url: string;
  /** Lower case, IDNA ASCII form, without port. */
  readonly host: string;
  /** Registered domain (`example.co.uk`); for an IP address or a bare public suffix the host itself. */
  readonly domain: string;
  /** Public suffix (`co.uk`), private ones such as `github.io` included; empty for an IP address or a name without one. */
  readonly suffix: string;
}

/** Query parameters that say where a visitor came from and never what the page is. Closed list; names in lower case. */
export const trackingParameters: ReadonlySet<string> = new Set([
  'utm_source',
  'utm_medium',
  'utm_campaign',
  'utm_term',
  'utm_content',
  'utm_id',
  'utm_name',
  'utm_reader',
  'utm_social',
  'utm_source_platform',
  'utm_creative_format',
  'utm_marketing_tactic',
  'gclid',
  'gclsrc',
  'dclid',
  'gbraid',
  'wbraid',
  'fbclid',
  'msclkid',
  'yclid',
  'ysclid',
  'twclid',
  'ttclid',
  'li_fat_id',
  'igshid',
  'igsh',
  'mc_cid',
  'mc_eid',
  'mkt_tok',
  '_ga',
  '_gl',
  '_hsenc',
  '_hsmi',
  'hsctatracking',
  'vero_id',
  'vero_conv',
  'oly_anon_id',
  'oly_enc_id',
  'wickedid',
  's_kwcid',
  'ef_id',
]);

/**
 * One spelling for one page: WHATWG parsing (scheme and host in lower case, default port and dot segments gone), no fragment,
 * no user name or password, no tracking parameters, no trailing dot of the host.
 * The query keeps its order and its bytes: servers may tell `a=1&b=2` from `b=2&a=1`, and order carries lists.
 * `undefined` for anything but http and https, and for what is no URL.
 */
export function normalizeUrl(url: string): NormalizedUrl | undefined {
  const parsed = URL.parse(url);
  if (!parsed || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return undefined;
  const host = parsed.hostname.replace(/\.+$/, '');
  if (host === '') return undefined;
  parsed.hostname = host;
  parsed.hash = '';
  parsed.username = '';
  parsed.password = '';
  parsed.search = withoutTracking(parsed.search);
  const { domain, publicSuffix, isIp, isIcann, isPrivate } = parse(host, {
    allowPrivateDomains: true,
    extractHostname: false,
  });
  // A name under no rule of the list has no public suffix; the parser then takes its last label for one.
  const suffix = isIp || !(isIcann || isPrivate) ? '' : (publicSuffix ?? '');
  const registered = domain === null || domain.startsWith('.') ? host : domain;
  return { url: parsed.href, host, domain: registered, suffix };
}

/** The query without tracking parameters; where nothing is left the `?` goes too. */
function withoutTracking(search: string): string {
  const kept = search
    .slice(1)
    .split('&')
    .filter((part) => !trackingParameters.has(part.split('=', 1)[0]!.toLowerCase()))
    .join('&');
  return kept === '' ? '' : `?${kept}`;
}
