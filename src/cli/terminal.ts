/** What a command knows of the terminal that it was called from. */
export interface Terminal {
  readonly version: string;
  /** How this command was called, for the next commands that a summary prints. */
  readonly riffle: string;
  /** True when a person watches standard error. */
  readonly interactive: boolean;
  /** A variable of the environment. */
  readonly variable: (name: string) => string | undefined;
  /** Sets the exit status; the process ends when nothing is left to do. */
  readonly exit: (status: number) => void;
}
