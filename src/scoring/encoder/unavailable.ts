import { TransientError } from '../../errors.ts';

/** No session of the encoder works, and starting one again failed: the stream has to wait. No record is at fault. */
export class EncoderUnavailable extends TransientError {
  override name = 'EncoderUnavailable';
  constructor(why: string, options?: ErrorOptions) {
    super(
      'encoder-unavailable',
      `encoder; no session works: ${why}; look at the device; it is tried again with a growing delay`,
      options,
    );
  }
}

/** The thread of a session ended before it answered. */
export class SessionDied extends TransientError {
  override name = 'SessionDied';
  constructor(why: string, options?: ErrorOptions) {
    super('session-died', `encoder session; its thread ended${why}; its batch is given to another`, options);
  }
}
