import { createRequire } from 'node:module';
import type ReadabilityModule from '@mozilla/readability';
import type * as LinkedomModule from 'linkedom';

/** Loaded when first needed: they take 0.2 CPU-seconds to load, and most runs need them for a handful of pages or none. */
const require = createRequire(import.meta.url);

/**
 * Main text as Mozilla's Readability finds it, as HTML; '' when it finds none or fails on the page.
 * It costs 10 to 30 times what the rules do, and recursion grows with depth: call it for small, shallow pages only.
 */
export function readabilityHtml(html: string): string {
  const { Readability }: typeof ReadabilityModule = require('@mozilla/readability');
  const { parseHTML }: typeof LinkedomModule = require('linkedom');
  try {
    return new Readability(parseHTML(html).document, { charThreshold: 100 }).parse()?.content ?? '';
  } catch {
    return ''; // a page that breaks Readability is a page without a second opinion
  }
}
