import { AwsError } from '../../platform/errors.ts'
import type { LocalFunction } from './local-function.ts'

/** The functions of the account by name, ARN or partial ARN, with or without a qualifier. */
export interface Registry {
  set(fn: LocalFunction): void
  delete(name: string): void
  all(): readonly LocalFunction[]
  /** Throws AwsError `ResourceNotFoundException` (404). */
  find(nameOrArn: string): { readonly fn: LocalFunction; readonly functionArn: string }
  /** A version or an alias, so that it may qualify the function's name. */
  qualify(functionName: string, qualifier: string): void
  unqualify(functionName: string, qualifier: string): void
}

export function createRegistry(arnPrefix: string): Registry {
  const functions = new Map<string, LocalFunction>()
  const qualifiers = new Set<string>()
  return {
    set: (fn) => functions.set(fn.config.name, fn),
    delete: (name) => functions.delete(name),
    all: () => [...functions.values()],
    find(nameOrArn) {
      const { name, qualifier } = parseFunctionName(nameOrArn)
      const fn = functions.get(name)
      const known =
        qualifier === undefined || qualifier === '$LATEST' || qualifiers.has(`${name}:${qualifier}`)
      if (!fn || !known) {
        const suffix = qualifier === undefined ? '' : `:${qualifier}`
        throw new AwsError(
          'ResourceNotFoundException',
          `Function not found: ${arnPrefix}${name}${suffix}`,
          { status: 404, extra: { Type: 'User' } },
        )
      }
      const functionArn = qualifier === undefined ? fn.config.arn : `${fn.config.arn}:${qualifier}`
      return { fn, functionArn }
    },
    qualify: (functionName, qualifier) => qualifiers.add(`${functionName}:${qualifier}`),
    unqualify: (functionName, qualifier) => qualifiers.delete(`${functionName}:${qualifier}`),
  }
}

/** `name`, `name:qualifier`, `account:function:name[:qualifier]` or a whole ARN. */
export function parseFunctionName(text: string): { name: string; qualifier?: string } {
  const parts = text.split(':')
  const at = parts.lastIndexOf('function')
  const [name = '', qualifier] = at >= 0 ? parts.slice(at + 1) : parts
  return { name, ...(qualifier !== undefined && { qualifier }) }
}
