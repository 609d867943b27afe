/**
 * Errors are sorted by what happens next, not by where they arose:
 * configuration errors end the process before anything is processed (exit 2), record errors make a dead letter of one record,
 * transient errors are tried again within a limit, fatal errors stop the stage and commit nothing (exit 1).
 * Wording, everywhere: *subject; actual; remedy*.
 */
export class RiffleError extends Error {
  override name = 'RiffleError';
  /** Stable, kebab-case; what programs match on instead of the message. */
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The command line, configuration, topology or a model is wrong; nothing was processed. */
export class ConfigError extends RiffleError {
  override name = 'ConfigError';
}

/** This record cannot be processed and never will be: it becomes a dead letter with `code` and `operator`. */
export class RecordError extends RiffleError {
  override name = 'RecordError';
  readonly operator: string;
  constructor(operator: string, code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.operator = operator;
  }
}

/** Worth another try: a full disk, a broker that is away. */
export class TransientError extends RiffleError {
  override name = 'TransientError';
}

/** Going on would lose or repeat records: stop, commit nothing. */
export class FatalError extends RiffleError {
  override name = 'FatalError';
}
