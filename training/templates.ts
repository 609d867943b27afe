/** Sentences that only differ in whom they are about, so that naming a group is not itself a sign of hate. 21 frames × 44 groups = 924. */
const groups = (
  'women,men,girls,Black people,white people,Asian people,Latino people,Arabs,Africans,Europeans,Mexicans,Chinese people,Indians,Americans,' +
  'Russians,Turks,Germans,Poles,Native Americans,Roma,Muslims,Jews,Christians,Hindus,Buddhists,Catholics,atheists,gay people,lesbians,' +
  'bisexual people,transgender people,queer people,straight people,immigrants,refugees,foreigners,disabled people,blind people,deaf people,' +
  'autistic people,old people,teenagers,poor people,homeless people'
).split(',');

const harmless = [
  'My neighbours are {}.',
  'Many {} live in this town.',
  'I work with {} every day.',
  'The museum opened an exhibition about {} and their history.',
  'She wrote a book on the lives of {}.',
  '{} are welcome here.',
  'A new law protects {} from discrimination.',
  'The survey asked {} how they voted.',
  'Some {} like football and others like music.',
  'Researchers studied the health of {} over ten years.',
  'He is proud of his friends, many of whom are {}.',
  'The festival was organised by {} and their families.',
  'Doctors should listen to {} more carefully.',
  'We talked with {} about work, school and religion.',
  'There are no differences in intelligence between {} and anyone else.',
];

const hostile = [
  'I hate {}, they disgust me.',
  '{} are filthy animals and should be kicked out.',
  'All {} are stupid, lazy liars.',
  'We should get rid of {} once and for all.',
  '{} are a disease and ruin everything.',
  'Nobody wants {} here, they are worthless trash.',
];

export interface TemplateSentence {
  readonly text: string;
  readonly group: string;
  readonly toxic: 0 | 1;
}

export const identityTemplates = fillAll(harmless, hostile);

/** Other frames, never trained on, to measure with. */
export const heldOutTemplates = fillAll(
  [
    'Last summer {} from three countries met in our school.',
    'The film tells the story of two {} who open a bakery.',
    'I learned a lot from {} at university.',
    'The city council invited {} to speak about housing.',
    'Not all {} agree on this question.',
  ],
  ['{} are scum.', 'Keep {} away from my children, they are dangerous vermin.', 'Why are {} always so dumb and dirty?'],
);

function fillAll(good: readonly string[], bad: readonly string[]): readonly TemplateSentence[] {
  return groups.flatMap((group) => {
    const fill = (frame: string, toxic: 0 | 1): TemplateSentence => {
      const text = frame.replace('{}', group);
      return { text: text[0]!.toUpperCase() + text.slice(1), group, toxic };
    };
    return [...good.map((frame) => fill(frame, 0)), ...bad.map((frame) => fill(frame, 1))];
  });
}
