/**
 * The chunks that spaCy 3.8's English tokenizer splits by a table and not by rule (data of spaCy, MIT):
 * contractions with and without their apostrophe, clock times, abbreviations and emoticons.
 * `+` stands between the tokens of one chunk.
 */

/** Stems, then endings; each stem also with a capital, each ending also without its apostrophes. */
const contractions: readonly (readonly [stems: string, endings: string])[] = [
  ['i you he she it we they who what when where why how there that this these those', "'ll 'll+'ve 'd 'd+'ve"],
  ['i you we they who what when where why how there these those', "'ve"],
  ['you we they who what when where why how there these those', "'re"],
  ['he she it who what when where why how there that this', "'s"],
  ['i', "'m 'm+a"],
  ['ca could do does did had may might must need ought sha should wo would', "n't n't+'ve"],
  ['could might must should would', "'ve"],
  ['ai are is was were have has dare', "n't"],
  ['not', "'ve"],
];

/** Words that a contraction without its apostrophe would be taken for. */
const notContractions = 'Ill ill Its its Hell hell Shell shell Shed shed were Were Well well Whore whore';

/** Whole, also with a capital, also with an apostrophe at the end. */
const droppedG = 'doin goin nothin nuthin ol somethin havin lovin';

const splits =
  "y'+all y+all how+'d+'y How+'d+'y can+not Can+not gon+na Gon+na got+ta Got+ta let+'s Let+'s c'm+on C'm+on " +
  '°+c+. °+f+. °+k+. °+C+. °+F+. °+K+.';

const whole =
  "em 'em ll 'll nuff 'nuff 'S 's ‘S ‘s and/or w/o 're 'Cause 'cause 'cos 'Cos 'coz 'Coz 'cuz 'Cuz 'bout " +
  "ma'am Ma'am o'clock O'clock 'd ' '' \\\") <space> C++ \\t \\n — " +
  'Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. Ind. Jan. Jul. Jun. Kan. ' +
  'Kans. Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Nov. Oct. Okla. Ore. Pa. ' +
  'S.C. Sep. Sept. Tenn. Va. Wash. Wis. a.m. p.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. ' +
  'I.E. Inc. Jr. Ltd. Md. Messrs. Mo. Mont. Mr. Mrs. Ms. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s. ' +
  'a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s. t. u. v. w. x. y. z. ä. ö. ü.';

const emoticons =
  ':) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (; (-; :( :-( :(( ' +
  ":-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= =[ :1 :P :-P :p :-p :O :-O :o :-o :0 :-0 " +
  ':() >:o :* :-* :3 :-3 =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ' +
  '._. ;_; -_- -__- v.v V.V v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 ' +
  '(^_^) (-_-) (._.) (>_<) (*_*) (¬_¬) ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*>';

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** Chunk → its tokens. Joined they are the chunk. */
export const exceptions: ReadonlyMap<string, readonly string[]> = (() => {
  const table = new Map<string, readonly string[]>();
  const add = (tokens: readonly string[]) => table.set(tokens.join(''), tokens);
  for (const [stems, endings] of contractions) {
    for (const stem of stems.split(' ')) {
      for (const ending of endings.split(' ')) {
        for (const head of [stem, capital(stem)]) {
          add([head, ...ending.split('+')]);
          add([head, ...ending.replaceAll("'", '').split('+')]);
        }
      }
    }
  }
  for (let hour = 1; hour <= 12; hour++) for (const half of ['am', 'a.m.', 'pm', 'p.m.']) add([String(hour), half]);
  for (const word of notContractions.split(' ')) table.delete(word);
  for (const word of droppedG.split(' '))
    for (const form of [word, capital(word)]) add([form]).set(`${form}'`, [`${form}'`]);
  for (const chunk of splits.split(' ')) add(chunk.split('+'));
  for (const chunk of `${whole} ${emoticons}`.split(' ')) add([chunk]);
  for (const [chunk, tokens] of Array.from(table)) {
    if (chunk.includes("'"))
      table.set(
        chunk.replaceAll("'", '’'),
        tokens.map((token) => token.replaceAll("'", '’')),
      );
  }
  return table;
})();

/** Length of the longest chunk of the table, in UTF-16 units: nothing longer needs a look. */
export const longestException: number = Math.max(...[...exceptions.keys()].map((chunk) => chunk.length));
