declare module 'minhash' {
  export class Minhash {
    constructor(config: { numPerm: number; seed: number });
    readonly hashvalues: number[];
    update: (shingle: string) => void;
  }
}
