import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';

/** Main text as Mozilla's Readability finds it, as HTML; '' when it finds none or gives up on a broken page. */
export function readabilityHtml(html: string): string {
  try {
    const { document } = parseHTML(html);
    return new Readability(document, { charThreshold: 250 }).parse()?.content ?? '';
  } catch {
    return '';
  }
}
