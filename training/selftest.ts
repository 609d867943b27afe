/** Texts whose scores are written into the manifests: prose, a menu, an insult, another script, one word, nothing. */
export const selfTestTexts: readonly string[] = [
  'The river rises in the hills above the town and runs for forty miles before it meets the sea. In spring, when the snow has melted, its banks are covered with flowers, and people come from the villages to walk along the old path that the miners used.\nNobody knows who built the first bridge. It stood for two hundred years, until a flood took it away in a single night.',
  'Home\nAbout us\nLogin | Register\nMy account\nCart (0)\nHOT DEALS!!!\nShare this\nTop 10\nContact\nPrivacy\n© 2024',
  'You are a stupid idiot and everybody hates you. Shut up, loser!',
  'Am Morgen gingen wir über die Brücke, 東京 は 大きい です, и никто нас не видел.',
  'Stone.',
  '',
];
