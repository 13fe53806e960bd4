/** Thrown by a {@link TokenSource} when only the person can help. Every other failure is retried. */
export class SignInNeeded extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SignInNeeded'
  }
}

/** Gives an access token; `renew` asks for a newer one than the last. */
export type TokenSource = (want: 'current' | 'renew') => Promise<string>
