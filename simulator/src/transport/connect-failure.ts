/** MQTT 3.1.1, 3.2.2.3; 7 is what IoT Core answers instead of 5 (IOT-9). */
const connackReasons: Readonly<Record<number, string>> = {
  1: 'CONNACK 1, protocol version refused',
  2: 'CONNACK 2, client id refused',
  3: 'CONNACK 3, server unavailable',
  4: 'CONNACK 4, bad user name or password',
  5: 'CONNACK 5, not authorised',
  7: 'CONNACK 7, not authorised',
}

/** Why an attempt to connect came to nothing, as a short text that is the same for the same cause. */
export function connectFailure(error: Error | undefined): string {
  if (!error) return 'closed before the CONNACK'
  const { code } = error as { code?: unknown }
  if (typeof code === 'number') return connackReasons[code] ?? `CONNACK ${code}`
  if (error.message === 'connack timeout') return 'no CONNACK within 10 s'
  return typeof code === 'string' ? code : error.message
}

const waysOut: readonly (readonly [RegExp, string])[] = [
  [/^CONNACK [457]/, 'check --cert and --key, the policy of the things, or try --anonymous'],
  [/^CONNACK 3/, 'it takes no more now; try later, or with fewer devices'],
  [/CERT|ISSUER|SELF_SIGNED/, "name the broker's authority with --ca"],
  [/^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN)/, 'start it, or correct --mqtt'],
]

/** What a person can do about a cause. */
export function wayOutOf(reason: string): string {
  return (
    waysOut.find(([shape]) => shape.test(reason))?.[1] ?? 'check --mqtt and that it is MQTT 3.1.1'
  )
}

/** A cause that waiting does not mend within seconds. A broker that throttles or starts may take the next attempt. */
export function isLasting(reason: string): boolean {
  return !reason.startsWith('CONNACK 3') && reason !== 'closed before the CONNACK'
}
