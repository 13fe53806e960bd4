import { env } from '../contract.ts'

/**
 * The function's environment, by the names of contract.ts: the only place of a process that reads it.
 * Throws TypeError naming the variable that is missing or empty; the function then fails at its first start, not at a request.
 */
export function readConfig<Name extends keyof typeof env>(
  ...names: readonly Name[]
): Readonly<Record<Name, string>> {
  return Object.fromEntries(names.map((name) => [name, readVariable(env[name])])) as Record<
    Name,
    string
  >
}

function readVariable(variable: string): string {
  const value = process.env[variable]
  if (value === undefined || value === '') {
    throw new TypeError(`${variable} is not set: the function's environment must have it`)
  }
  return value
}
