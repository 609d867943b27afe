/** One record and one dead letter as the contract has them. */
export const record = {
  id: 'a',
  url: 'https://example.org/ü',
  text: 'zwei\nZeilen „Text“ 🦊',
  metadata: { big: 1, list: [null, true] },
  signals: { 'language/lid176@1': { label: 'de', confidence: 0.98 }, 'quality/base@1': 0.21 },
  decision: {
    outcome: 'rejected',
    topic: 'rejected',
    reason: 'quality.threshold',
    value: 0.21,
    limit: 0.4,
    failed: ['quality.threshold'],
    policy: 'text@1',
    probability: 0,
    draw: null,
  },
  position: { topic: 'text.raw', partition: 3, offset: '1842' },
};

export const deadLetter = {
  id: 'text.raw-3@7',
  error: { stage: 'sift', operator: 'decode', code: 'decode.badJson', message: 'JSON record; broken; mend it' },
  position: { topic: 'text.raw', partition: 3, offset: '7' },
  key: null,
  headers: { 'content-type': 'application/json' },
  timestamp: null,
  value: '{"text":',
  encoding: 'utf-8',
  valueBytes: 8,
  truncated: false,
  sha256: 'a'.repeat(64),
  decision: { outcome: 'dead-letter' },
};

export const lineOf = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
