import { AwsError } from '../../platform/errors.ts'

/** AWS::Lambda::Permission: who may invoke a function besides its account's principals. */
export interface Permissions {
  add(
    logicalId: string,
    permission: {
      readonly functionName: string
      readonly principal: string
      readonly sourceArn: string | undefined
    },
  ): void
  remove(logicalId: string): void
  /** C9: throws AwsError `AccessDeniedException` when no statement lets `service` invoke the function for `sourceArn`. */
  check(
    functionName: string,
    invokedBy: { readonly service: string; readonly sourceArn: string },
  ): void
}

export function createPermissions(): Permissions {
  const statements = new Map<
    string,
    {
      readonly functionName: string
      readonly principal: string
      readonly sourceArn: RegExp | undefined
    }
  >()
  return {
    add(logicalId, permission) {
      const { sourceArn } = permission
      statements.set(logicalId, {
        ...permission,
        sourceArn: sourceArn === undefined ? undefined : arnPattern(sourceArn),
      })
    },
    remove: (logicalId) => statements.delete(logicalId),
    check(functionName, { service, sourceArn }) {
      for (const statement of statements.values()) {
        if (
          statement.functionName === functionName &&
          statement.principal === service &&
          (statement.sourceArn?.test(sourceArn) ?? true)
        )
          return
      }
      throw new AwsError(
        'AccessDeniedException',
        `${service} may not invoke ${functionName} for ${sourceArn}: no AWS::Lambda::Permission allows it`,
        { status: 403 },
      )
    },
  }
}

/** ArnLike: `*` any characters, `?` one. */
function arnPattern(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}
