import { createHash } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** `length` upper-case letters and digits that depend on `seed` only, so that a restart with a data directory finds its names again. */
export function stableId(seed: string, length: number): string {
  const digest = createHash('sha512').update(seed).digest()
  let id = ''
  for (let index = 0; index < length; index++) {
    id += ALPHABET.charAt((digest[index % digest.length] ?? 0) % ALPHABET.length)
  }
  return id
}

/**
 * The name CloudFormation gives to a resource without one: `{stack}-{logicalId}-{12 characters}`, cut in the middle to `maxLength`.
 */
export function physicalName(stackName: string, logicalId: string, maxLength = 64): string {
  const suffix = stableId(`${stackName}/${logicalId}`, 12)
  const room = maxLength - suffix.length - 1
  return `${`${stackName}-${logicalId}`.slice(0, room)}-${suffix}`
}
